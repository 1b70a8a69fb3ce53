// Naming a colleague: @ and the beginning of a name offers who may see the ticket. Arrows move, Enter or Tab or a touch takes one, Escape closes.
// What is put in is what the server recognises; without script one simply types it.
let number = 0;

export function init(body) {
  const id = `mention-${++number}`;
  const list = Object.assign(document.createElement("ul"), { id, className: "mention-list", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Colleagues");
  const said = Object.assign(document.createElement("p"), { className: "visually-hidden" });
  said.setAttribute("role", "status");
  body.after(list, said);
  body.setAttribute("aria-autocomplete", "list");
  body.setAttribute("aria-controls", id);
  const known = new Map();
  let timer, asked, left = -1; // where an @ stands that was left alone by Escape

  const options = () => [...list.children];
  const open = () => !list.hidden;

  // The @ one is at: its place, and what was typed after it.
  function word() {
    if (body.selectionStart !== body.selectionEnd) return null;
    const found = /(?:^|[^\p{L}\p{N}_.@/-])@([\p{L}\p{N}_.'-]*)$/u.exec(body.value.slice(0, body.selectionStart));
    return found && { at: body.selectionStart - found[1].length - 1, typed: found[1] };
  }

  async function look() {
    const here = word();
    if (!here || here.at === left) return close();
    const q = asked = here.typed.toLocaleLowerCase();
    try {
      if (!known.has(q)) {
        const answer = await fetch(`${body.dataset.people}?${new URLSearchParams({ q })}`, { headers: { Accept: "application/json" } });
        if (!answer.ok || answer.redirected) return close();
        known.set(q, (await answer.json()).people);
      }
    } catch { return close(); }
    // Typed on meanwhile, or gone elsewhere.
    if (asked === q && word()?.at === here.at && document.activeElement === body) show(known.get(q), here.at);
  }

  function show(people, at) {
    list.replaceChildren(...people.map((one, place) => {
      const option = Object.assign(document.createElement("li"), { id: `${id}-${place}` });
      option.setAttribute("role", "option");
      option.dataset.handle = one.handle;
      option.append(one.name, Object.assign(document.createElement("small"), { textContent: one.email }));
      return option;
    }));
    if (!people.length) return close();
    list.hidden = false;
    place(at);
    choose(options()[0]);
    said.textContent = people.length === 1 ? "One colleague. Enter names them." : `${people.length} colleagues. Up and down choose, Enter names.`;
  }

  function close() {
    if (!open()) return;
    list.hidden = true;
    said.textContent = "";
    body.removeAttribute("aria-activedescendant");
  }

  function choose(option) {
    for (const each of options()) each.setAttribute("aria-selected", String(each === option));
    body.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    const here = word();
    close();
    body.focus();
    if (!here) return;
    const after = /^\s/.test(body.value.slice(body.selectionStart)) ? "" : " ";
    body.setRangeText(`@${option.dataset.handle}${after}`, here.at, body.selectionStart, "end");
    body.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // Below the line of the @: a copy of the field with the same text says where that is.
  function place(at) {
    const copy = document.createElement("div");
    const style = getComputedStyle(body);
    for (const name of ["font", "letterSpacing", "padding", "border", "boxSizing", "lineHeight", "width"]) copy.style[name] = style[name];
    Object.assign(copy.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word" });
    const mark = Object.assign(document.createElement("span"), { textContent: "@" });
    copy.append(body.value.slice(0, at), mark);
    body.parentElement.append(copy);
    const top = body.offsetTop + Math.min(mark.offsetTop - body.scrollTop + mark.offsetHeight + 4, body.offsetHeight);
    const start = Math.min(mark.offsetLeft, body.offsetWidth - list.offsetWidth);
    copy.remove();
    Object.assign(list.style, { top: `${top}px`, left: `${body.offsetLeft + Math.max(0, start)}px` });
  }

  body.addEventListener("input", () => { if (!word()) left = -1; clearTimeout(timer); timer = setTimeout(look, 120); });
  body.addEventListener("click", look);
  body.addEventListener("blur", close);
  body.addEventListener("keydown", (event) => {
    if (!open() || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = options(), now = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(all[(now + step + all.length) % all.length]);
    else if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) take(all[now]);
    else if (event.key === "Escape") { left = word()?.at ?? -1; close(); }
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  // Pressing must not take the focus from the field.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) take(option); });
}
