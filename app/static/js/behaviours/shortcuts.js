// Keys for people who work here all day: / ? j k o x e m c a r n N. Single keys can be switched off in the dialog that lists them (WCAG 2.1.4).
const OFF = "fairlead.shortcuts-off";

export function init(dialog) {
  const box = dialog.querySelector("[data-shortcuts-switch]");
  box.checked = localStorage.getItem(OFF) !== "1";
  box.addEventListener("change", () => localStorage.setItem(OFF, box.checked ? "" : "1"));
  dialog.addEventListener("click", (event) => { if (event.target.closest("[data-dialog-close]")) dialog.close(); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-open-shortcuts]")) dialog.showModal(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented || !box.checked) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    const run = KEYS[event.key];
    if (!run) return;
    const target = run();
    if (target) event.preventDefault();
    if (target instanceof HTMLElement) { target.closest("[data-board-grip]")?.focus(); target.click(); }
  });
  const KEYS = {
    "/": () => focus(visible("[data-shortcut-search]:not([data-global-search])") ?? visible("[data-shortcut-search]")),
    "?": () => { dialog.showModal(); return true; },
    j: () => move(1),
    k: () => move(-1),
    o: () => row()?.querySelector("[data-row-link]"),
    x: () => row()?.querySelector("[data-select-row]"),
    e: () => row()?.querySelector("[data-row-edit]") ?? visible("[data-shortcut='e']"),
    m: () => row()?.querySelector("[data-row-move]"),
    c: () => visible("[data-shortcut='c']"),
    a: () => visible("[data-shortcut='a']"),
    N: () => visible("[data-shortcut='N']"),
    r: () => visible("[data-shortcut='r']"),
    n: () => visible("[data-shortcut='n']"),
  };
}

const visible = (selector) => [...document.querySelectorAll(selector)].find((element) => element.checkVisibility());
const row = () => document.activeElement.closest("[data-row]") ?? document.querySelector("[data-row].is-current");

function focus(field) {
  field?.focus();
  field?.select();
  return Boolean(field);
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(row());
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))];
  if (!next) return false;
  for (const each of rows) each.classList.toggle("is-current", each === next);
  (next.querySelector("[data-row-link]") ?? next.querySelector("a, input, button"))?.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}
