// The one dialog: opens when a fragment is swapped into it, closes on [data-dialog-close], Esc, a click outside or the server's
// "fairlead:close-dialog", asks before it throws typed text away, and gives focus back to what opened it.
import { ask } from "./confirm.js";

let opener = null;

export function init(dialog) {
  const toasts = document.getElementById("toasts");

  document.addEventListener("htmx:before:request", (event) => {
    if (event.detail.ctx?.target === dialog && !dialog.open) opener = event.detail.ctx.sourceElement;
  });
  // The live region moves into the dialog while it is open: outside it would be behind the backdrop, and mute.
  document.addEventListener("htmx:before:swap", () => { if (dialog.contains(toasts)) document.body.append(toasts); });
  document.addEventListener("htmx:after:swap", () => {
    if (dialog.childElementCount === 0) { if (dialog.open) dialog.close(); return; }
    if (!dialog.open && dialog.dataset.hidden !== "sent") show(dialog);
    else if (dialog.open) dialog.append(toasts);
  });
  document.addEventListener("fairlead:close-dialog", () => finish(dialog));
  document.addEventListener("fairlead:hide-dialog", () => { if (dialog.open) { dialog.dataset.hidden = "sent"; dialog.close(); } });
  document.addEventListener("fairlead:show-dialog", () => { delete dialog.dataset.hidden; if (!dialog.open && dialog.childElementCount) show(dialog); });

  dialog.addEventListener("cancel", (event) => { event.preventDefault(); leave(dialog); });
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-dialog-close]")) { event.preventDefault(); leave(dialog); }
  });
  dialog.addEventListener("pointerdown", (event) => { if (event.target === dialog && outside(dialog, event)) leave(dialog); });
  dialog.addEventListener("close", () => {
    if (dialog.contains(toasts)) document.body.append(toasts);
    if (dialog.dataset.hidden !== "sent") dialog.replaceChildren();
    back();
  });
}

function show(dialog) {
  dialog.showModal();
  dialog.append(document.getElementById("toasts"));
  const title = dialog.querySelector("h1, h2");
  if (title) { title.id ||= "dialog-title"; dialog.setAttribute("aria-labelledby", title.id); }
  const first = dialog.querySelector("[data-error-summary]") ?? dialog.querySelector("[autofocus]")
    ?? dialog.querySelector(".dialog-body :is(input:not([type=hidden]), select, textarea)") ?? title;
  first?.focus();
}

function finish(dialog) {
  delete dialog.dataset.hidden;
  // Not at once: other events of the same HX-Trigger are still to be sent from the form inside.
  if (dialog.open) dialog.close(); else setTimeout(() => { if (!dialog.open) dialog.replaceChildren(); });
}

async function leave(dialog) {
  if (dialog.querySelector("form.htmx-request")) return;
  if (typed(dialog) && !(await ask("Close without saving?", "What you typed here will be lost.", "Close without saving"))) return;
  for (const form of dialog.querySelectorAll("form")) form.dispatchEvent(new CustomEvent("fairlead:discard", { bubbles: true }));
  finish(dialog);
}

function typed(dialog) {
  return [...dialog.querySelectorAll("form :is(input, textarea)")].some((field) =>
    field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
      : field.type !== "hidden" && field.value !== field.defaultValue);
}

function outside(box, event) {
  const area = box.getBoundingClientRect();
  return event.clientX < area.left || event.clientX > area.right || event.clientY < area.top || event.clientY > area.bottom;
}

function back() {
  const target = opener?.isConnected ? opener : opener?.id && document.getElementById(opener.id);
  const menu = target?.closest?.("details.menu:not([open])");
  (menu?.querySelector("summary") ?? target ?? document.getElementById("main"))?.focus();
}
