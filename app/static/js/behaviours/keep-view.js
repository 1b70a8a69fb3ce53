// Search, filters and sort of one list stand in different forms and links; the address holds them all. A form sends the address's other
// values along with its own, and shows the address's values when something else (a chip, a view) changed them.
const PLACE = new Set(["after", "before", "cursor", "page"]); // where in the list: a new search starts at the top

export function init(form) {
  const own = () => [...form.elements].filter((field) => field.name && field.type !== "hidden");
  const mine = () => new URL(form.action, location).pathname === location.pathname;

  form.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    if (event.target !== form || !mine()) return;
    const names = new Set(own().map((field) => field.name));
    const address = new URLSearchParams(location.search);
    // The hidden ones are for those without script: they hold what the address held when the page was made.
    for (const { name } of form.querySelectorAll("input[type=hidden]")) {
      if (names.has(name)) request.body.set(name, form.querySelector(`[name="${CSS.escape(name)}"]:not([type=hidden])`).value);
      else request.body.delete(name);
    }
    // A select shows the first of several values: untouched, it stands for all of them.
    for (const name of names) {
      const all = address.getAll(name);
      if (all.length > 1 && request.body.get(name) === all[0]) for (const value of all.slice(1)) request.body.append(name, value);
    }
    for (const [name, value] of address) {
      if (!names.has(name) && !PLACE.has(name)) request.body.append(name, value);
    }
    for (const name of names) if (request.body.getAll(name).every((value) => value === "")) request.body.delete(name);
  });

  const show = () => {
    if (!form.isConnected) { document.removeEventListener("htmx:after:history:push", show); return; }
    if (!mine()) return;
    const address = new URLSearchParams(location.search);
    for (const field of own()) {
      if (field === document.activeElement) continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = address.getAll(field.name).includes(field.value);
      else field.value = address.get(field.name) ?? "";
    }
  };
  document.addEventListener("htmx:after:history:push", show);
}
