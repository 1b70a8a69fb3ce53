// Ctrl-K: one box for everything on the page that is marked data-palette="Go to | Create | …" (the places, the create buttons, what can be
// done with this record), and for searching. Choosing presses the real link or button, so permissions stay the page's.
export function init(dialog) {
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  let found = [];
  let at = 0;

  function open() {
    if (dialog.open || document.querySelector("dialog[open]")) return;
    input.value = "";
    dialog.showModal();
    draw();
    input.focus();
  }

  function draw() {
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    found = [...document.querySelectorAll("[data-palette]")]
      .map((element) => ({ label: element.textContent.trim() || element.ariaLabel, group: element.dataset.palette, run: () => element.click() }))
      .filter((item) => words.every((word) => `${item.group} ${item.label}`.toLowerCase().includes(word)));
    const search = document.querySelector("[data-global-search]") ?? document.querySelector("[data-shortcut-search]");
    if (words.length && search) {
      const text = input.value.trim();
      found.push({ label: `Search for “${text}”`, group: "Search", run: () => { search.value = text; search.form.requestSubmit(); } });
    }
    at = 0;
    list.replaceChildren(...found.map(({ label, group }, index) => {
      const line = document.createElement("li");
      line.role = "option";
      line.id = `palette-${index}`;
      const kind = document.createElement("small");
      kind.textContent = group;
      line.append(label, kind);
      return line;
    }));
    mark();
  }

  function mark() {
    [...list.children].forEach((line, index) => line.setAttribute("aria-selected", String(index === at)));
    if (found.length) input.setAttribute("aria-activedescendant", `palette-${at}`);
    else input.removeAttribute("aria-activedescendant");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function choose(index) {
    const item = found[index];
    if (!item) return;
    dialog.close();
    item.run();
  }

  input.addEventListener("input", draw);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) { event.preventDefault(); at = (at + step + found.length) % found.length; mark(); }
    if (event.key === "Enter") { event.preventDefault(); choose(at); }
  });
  list.addEventListener("click", (event) => choose([...list.children].indexOf(event.target.closest("li"))));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-open-palette]")) open(); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
}
