// Canned replies in the editor: Ctrl+; or a / at the beginning of a line opens the search, arrows move, Enter puts the text where one was writing.
import { token } from "./token.js";

export function init(menu) {
  const editor = menu.closest("form");
  const body = editor.elements.body;
  const box = menu.querySelector("input");
  const search = document.getElementById("canned_search");
  const results = () => [...menu.querySelectorAll("[data-canned]")];
  let timer;
  let slash = false;

  const find = () => search.dispatchEvent(new CustomEvent("fairlead:search"));
  const open = (bySlash = false) => { slash = bySlash; menu.open = true; box.focus(); box.select(); find(); };
  const close = () => { menu.open = false; body.focus(); };

  menu.addEventListener("toggle", () => { if (menu.open && document.activeElement !== box) open(); });
  editor.addEventListener("keydown", (event) => {
    if (event.key === ";" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); open(); }
  });
  body.addEventListener("keydown", (event) => {
    const line = body.value.slice(body.value.lastIndexOf("\n", body.selectionStart - 1) + 1, body.selectionStart);
    if (event.key === "/" && !line.trim() && !event.ctrlKey && !event.metaKey && !event.isComposing) { event.preventDefault(); open(true); }
  });
  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 300); });
  menu.addEventListener("keydown", (event) => {
    const all = results();
    const at = all.indexOf(document.activeElement);
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      const typed = slash && !box.value;
      close();
      if (typed) insert("/"); // it was a slash after all
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      (event.key === "ArrowDown" ? all[at + 1] ?? all.at(-1) : all[at - 1] ?? box)?.focus();
    } else if (event.key === "Enter" && event.target === box) {
      event.preventDefault();
      if (all.length) use(all[0]); else find();
    }
  });
  menu.addEventListener("click", (event) => { const button = event.target.closest("[data-canned]"); if (button) use(button); });

  function use(button) {
    close();
    insert(button.dataset.canned);
    fetch(button.dataset.cannedUse, { method: "POST", headers: { "X-CSRFToken": token(), "HX-Request": "true" } }).catch(() => {});
    box.value = "";
  }

  function insert(text) {
    body.focus();
    body.setRangeText(text, body.selectionStart, body.selectionEnd, "end");
    body.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
