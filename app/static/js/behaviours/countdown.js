// Counts the clocks of a ticket down, turns one to "due soon" at its warning and to "overdue" at its due instant. Time is the server's: the page
// says when it was made (data-now), and from then on the browser's steady clock counts, so a wrong clock on the desk does no harm.
const shown = new Set();
let timer;

export function init(element) {
  shown.add(element);
  draw(element);
  timer ??= setInterval(() => {
    for (const each of shown) if (each.isConnected) draw(each); else shown.delete(each);
  }, 1000);
}

document.addEventListener("htmx:after:swap", () => shown.forEach(draw));

function draw(element) {
  // A part that was asked for again brings a new instant.
  if (element.countdown?.now !== element.dataset.now) element.countdown = { now: element.dataset.now, made: Date.parse(element.dataset.now), at: performance.now() };
  const now = element.countdown.made + (performance.now() - element.countdown.at);
  for (const clock of element.querySelectorAll("[data-at]")) tick(clock, now);
}

function tick(clock, now) {
  const left = Date.parse(clock.dataset.at) - now;
  if (left < 0) turn(clock, "overdue");
  else if (clock.dataset.warnsAt && now >= Date.parse(clock.dataset.warnsAt)) turn(clock, "due_soon");
  const words = clock.querySelector("[data-count]");
  const text = left < 0 ? `overdue by ${length(-left)},` : `due in ${length(left)},`;
  if (words.textContent !== text) words.textContent = text;
}

function turn(clock, state) {
  if (clock.dataset.state === state) return;
  clock.classList.replace(`is-${clock.dataset.state.replace("_", "-")}`, `is-${state.replace("_", "-")}`);
  clock.dataset.state = state;
}

function length(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  const days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60) % 24, rest = minutes % 60;
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${rest} min` : `${rest} min`;
}
