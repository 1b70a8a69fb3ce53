// Notices at the edge: go by themselves after a while, but never while they are read (hovered or focused) or hold something to do soon.
const SHORT = 6000;
const LONG = 12000;
const MARKS = { info: "info-circle", success: "check", warning: "alert-triangle", danger: "alert-circle" };

export function init(region) {
  region.addEventListener("click", (event) => {
    if (event.target.closest("[data-toast-close]")) dismiss(event.target.closest("[data-toast]"));
  });
  for (const card of region.querySelectorAll("[data-toast]")) time(card);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) if (node.matches?.("[data-toast]")) time(node);
    }
  }).observe(region, { childList: true });
}

// options: tone, action {label, run}, keep (stays until dismissed). Returns the card.
export function toast(text, { tone = "info", action, keep = false } = {}) {
  const template = document.getElementById("toast-template");
  const card = template.content.firstElementChild.cloneNode(true);
  card.className = `toast-card toast-${tone}`;
  card.dataset.toast = tone;
  if (keep) card.dataset.keep = "";
  card.querySelector(".toast-text").textContent = text;
  const mark = card.querySelector("use");
  mark.setAttribute("href", mark.getAttribute("href").replace(/#.*/, `#icon-${MARKS[tone] ?? MARKS.info}`));
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm toast-action";
    button.textContent = action.label;
    button.addEventListener("click", () => { dismiss(card); action.run(); });
    card.querySelector("[data-toast-close]").before(button);
  }
  document.getElementById("toasts").append(card);
  return card;
}

export function announce(text) {
  const region = document.getElementById("announcer");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 60);
}

function time(card) {
  if ("keep" in card.dataset) return;
  const patience = card.querySelector("form, .toast-action") || card.dataset.toast === "danger" ? LONG : SHORT;
  let timer;
  const wait = () => { clearTimeout(timer); timer = setTimeout(() => (card.matches(":hover, :focus-within") ? wait() : card.remove()), patience); };
  for (const name of ["pointerleave", "focusout"]) card.addEventListener(name, wait);
  wait();
}

function dismiss(card) {
  const hadFocus = card.contains(document.activeElement);
  card.remove();
  if (hadFocus) document.getElementById("main")?.focus();
}
