// Selecting rows of a list: all on the page, a range with Shift, all that match; says how many, and keeps the choice across swaps.
import { announce } from "./toast.js";

const chosen = new Map(); // id of the region → values selected there

export function init(region) {
  const kept = chosen.get(region.id) ?? new Set();
  chosen.set(region.id, kept);
  const boxes = () => [...region.querySelectorAll("[data-select-row]")];
  const bar = () => region.querySelector("[data-bulk-bar]");
  let anchor = null;
  let matching = false;

  function update(speak = true) {
    const here = boxes();
    for (const box of here) kept[box.checked ? "add" : "delete"](box.value);
    const shown = new Set(here.map((box) => box.value));
    for (const value of kept) if (!shown.has(value)) kept.delete(value);
    const all = region.querySelector("[data-select-all]");
    if (all) {
      all.checked = here.length > 0 && kept.size === here.length;
      all.indeterminate = kept.size > 0 && kept.size < here.length;
    }
    if (!bar()) return;
    if (kept.size < here.length) matching = false;
    const more = bar().querySelector("[data-select-matching]");
    const total = Number(more?.dataset.selectMatching ?? 0);
    if (more) more.hidden = matching || kept.size < here.length || total <= here.length;
    bar().querySelector("[data-all-matching]").value = matching ? "1" : "";
    bar().classList.toggle("is-active", kept.size > 0);
    const text = matching ? `All ${total.toLocaleString()} that match are selected` : `${kept.size} selected`;
    bar().querySelector("[data-bulk-count]").textContent = text;
    if (speak) announce(text);
  }

  region.addEventListener("click", (event) => {
    const box = event.target.closest("[data-select-row]");
    if (box) {
      const here = boxes();
      if (event.shiftKey && anchor?.isConnected) {
        const [from, to] = [here.indexOf(anchor), here.indexOf(box)].sort((a, b) => a - b);
        for (const between of here.slice(from, to + 1)) between.checked = box.checked;
      }
      anchor = box;
      update();
    } else if (event.target.closest("[data-select-all]")) {
      for (const each of boxes()) each.checked = event.target.checked;
      update();
    } else if (event.target.closest("[data-select-matching]")) {
      matching = true;
      update();
      bar().querySelector("[data-select-none]").focus();
    } else if (event.target.closest("[data-select-none]")) {
      for (const each of boxes()) each.checked = false;
      matching = false;
      update();
      region.querySelector("[data-select-all], [data-select-row]")?.focus();
    }
  });

  const restore = () => {
    for (const box of boxes()) box.checked = kept.has(box.value);
    update(false);
  };
  document.addEventListener("htmx:after:swap", function refresh() {
    if (region.isConnected) restore();
    else document.removeEventListener("htmx:after:swap", refresh);
  });
  restore();
}
