// A form that shows its result before the server has answered: a row cloned from a <template> and filled with what was typed.
// <form data-behaviour="optimistic" data-optimistic-template="#lead-pending" data-optimistic-list="#lead_rows">; in the template,
// data-fill="first_name last_name" takes the values of these fields. The dialog steps aside meanwhile, and returns with the reason if refused.
import { toast } from "./toast.js";

export function init(form) {
  let row = null;
  let watch = null;
  const remove = () => { watch?.disconnect(); row?.remove(); row = watch = null; };

  form.addEventListener("htmx:before:request", (event) => {
    if (event.target !== form) return;
    const list = document.querySelector(form.dataset.optimisticList);
    const template = document.querySelector(form.dataset.optimisticTemplate);
    if (!list || !template) return;
    remove();
    row = fill(template.content.firstElementChild.cloneNode(true), new FormData(form));
    list.prepend(row);
    // The real row has come, in whichever way: the pending one goes.
    watch = new MutationObserver((changes) => {
      if (changes.some((change) => [...change.addedNodes].some((node) => node !== row && node.nodeType === 1))) remove();
    });
    watch.observe(list, { childList: true });
    if (form.closest("dialog")) form.dispatchEvent(new CustomEvent("fairlead:hide-dialog", { bubbles: true }));
  });

  // Heard on the document: when it is refused, the form itself is swapped for one with errors.
  const settled = (event) => {
    const { ctx } = event.detail;
    if (!row || ctx.request?.form !== form) return;
    const status = ctx.response?.status ?? 0;
    if (status >= 200 && status < 400) { setTimeout(remove, 4000); return; }
    const name = row.querySelector("[data-fill]")?.textContent.slice(0, 60) || "This";
    remove();
    document.dispatchEvent(new CustomEvent("fairlead:show-dialog"));
    // The dialog that returns says why; a toast would only say it twice.
    const explained = document.querySelector("#dialog [data-error-summary]");
    if (status && !explained) toast(`${name} was not saved: the server refused it.`, { tone: "danger" });
  };
  document.addEventListener("htmx:finally:request", function listen(event) {
    settled(event);
    if (!form.isConnected && !row) document.removeEventListener("htmx:finally:request", listen);
  });
}

function fill(row, values) {
  for (const place of row.querySelectorAll("[data-fill]")) {
    place.textContent = place.dataset.fill.split(/\s+/).map((name) => values.get(name)).filter(Boolean).join(" ");
  }
  row.classList.add("is-pending");
  row.setAttribute("aria-busy", "true");
  return row;
}
