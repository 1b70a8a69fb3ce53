// Turns <time datetime data-relative> into "3 minutes ago" in the page's language, kept true every minute; the exact instant stays in its title.
const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, { numeric: "auto" });
const shown = new Set();
let timer;

export function init(element) {
  if (!("relative" in element.dataset)) return;
  if (!element.title) element.title = element.textContent.trim();
  shown.add(element);
  draw(element);
  if (timer) return;
  timer = setInterval(drawAll, 60000);
  // A swap that morphs keeps the element and gives it another instant.
  document.addEventListener("htmx:after:swap", drawAll);
}

function drawAll() {
  for (const each of shown) if (each.isConnected) draw(each); else shown.delete(each);
}

function draw(element) {
  const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["minute", 60];
  const text = Math.abs(seconds) < 60 ? "just now" : words.format(Math.trunc(seconds / size), unit);
  if (element.textContent !== text) element.textContent = text;
}
