// A board: cards are dragged (SortableJS), moved by keys from their grip, or sent by their menu. What is shown moves at once; the server
// is asked one card after the other, and a card it refuses goes back. What others do is shown once nobody here is holding a card.
import "../../vendor/sortable.min.js";
import { announce, toast } from "./toast.js";

const { Sortable } = window;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function init(board) {
  let held = null; // the card picked up by keys, and where it came from
  let dragging = false;
  let sending = 0;
  let stale = false;
  let turn = Promise.resolve();
  const busy = () => held !== null || dragging || sending > 0;

  function prepare() {
    for (const list of board.querySelectorAll("[data-board-cards]")) {
      if (Sortable.get(list)) continue;
      new Sortable(list, {
        group: "board",
        draggable: "[data-board-card]",
        filter: "button, summary, .menu-panel",
        preventOnFilter: false,
        delay: 180,
        delayOnTouchOnly: true,
        touchStartThreshold: 5,
        forceFallback: true,
        fallbackOnBody: true,
        animation: calm.matches ? 0 : 120,
        scrollSensitivity: 60,
        ghostClass: "is-ghost",
        onStart: ({ item }) => { if (held) cancel(); dragging = true; keep(item); hint(item); },
        onEnd: ({ item, from, to, oldDraggableIndex, newDraggableIndex }) => {
          dragging = false;
          free(item);
          hint(null);
          if (from === to && oldDraggableIndex === newDraggableIndex) { refresh(); return; }
          send(item, { list: from, at: oldDraggableIndex });
        },
      });
    }
  }

  // ---- what is asked of the server

  function send(card, origin) {
    const list = card.parentElement;
    const place = { by: board.dataset.by, to: list.dataset.value, after: beside(card, -1), before: beside(card, 1) };
    count(origin.list, list, 1);
    card.classList.add("is-pending");
    keep(card);
    sending += 1;
    turn = turn.then(async () => {
      const status = await ask(card, { ...place, version: card.dataset.version });
      sending -= 1;
      card.classList.remove("is-pending");
      free(card);
      if (status >= 200 && status < 400) {
        announce(`${card.dataset.title} is in ${list.dataset.label}, ${position(card)}.`);
      } else {
        count(origin.list, list, -1);
        put(card, origin);
        stale = true;
        if (!status) toast(`${card.dataset.title} was not moved: the server could not be reached.`, { tone: "danger" });
        else announce(`${card.dataset.title} is back in ${origin.list.dataset.label}.`);
      }
      refresh();
    });
  }

  async function ask(card, values) {
    let status = 0;
    const heard = ({ detail }) => { if (detail.ctx?.sourceElement === card) status = detail.ctx.response?.status ?? 0; };
    document.addEventListener("htmx:finally:request", heard);
    try {
      await window.htmx.ajax("POST", card.dataset.url, { source: card, target: "#dialog", swap: "innerHTML", values });
    } catch { /* said by the status that is missing */ }
    document.removeEventListener("htmx:finally:request", heard);
    return status;
  }

  board.addEventListener("fairlead:placed", ({ target, detail }) => {
    const card = target.closest("[data-board-card]");
    if (card?.dataset.id === detail.id) card.dataset.version = detail.version;
  });

  // ---- what others did: not under somebody's hands

  const hold = (event) => {
    const ctx = event.detail.ctx;
    if (ctx?.target !== board || !busy()) return;
    event.preventDefault();
    stale = true;
  };
  document.addEventListener("htmx:before:request", hold);
  document.addEventListener("htmx:before:swap", hold);
  document.addEventListener("htmx:after:swap", function swapped() {
    if (board.isConnected) prepare();
    else for (const [name, run] of [["htmx:before:request", hold], ["htmx:before:swap", hold], ["htmx:after:swap", swapped]]) document.removeEventListener(name, run);
  });

  function refresh() {
    if (busy() || !stale) return;
    stale = false;
    window.htmx.ajax("GET", board.getAttribute("hx-get"), { source: board, target: "#board", swap: "outerMorph" });
  }

  // ---- by keys

  board.addEventListener("click", (event) => {
    const grip = event.target.closest("[data-board-grip]");
    const to = event.target.closest("[data-board-to]");
    if (grip) {
      if (held) drop(); else pick(grip.closest("[data-board-card]"));
    } else if (to) {
      event.preventDefault();
      const card = to.closest("[data-board-card]");
      const origin = place(card);
      const list = board.querySelector(`[data-board-cards][data-value="${CSS.escape(to.dataset.boardTo)}"]`);
      to.closest("details").open = false;
      if (list) { list.prepend(card); send(card, origin); card.querySelector("[data-board-grip]").focus(); } else to.form.requestSubmit(to);
    }
  });

  board.addEventListener("keydown", (event) => {
    if (!held || !event.target.closest("[data-board-grip]")) return;
    const step = STEPS[event.key];
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); cancel(); } else if (step) { event.preventDefault(); shift(...step); } else if (event.key === "Tab") cancel();
  });

  const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

  function pick(card) {
    held = { card, origin: place(card) };
    card.classList.add("is-held");
    keep(card);
    hint(card);
    announce(`${card.dataset.title} is picked up: ${card.parentElement.dataset.label}, ${position(card)}. Arrow keys move it, Enter drops it, Escape puts it back.`);
  }

  function shift(across, along) {
    const { card } = held;
    const lists = [...board.querySelectorAll("[data-board-cards]")];
    const list = lists[lists.indexOf(card.parentElement) + across];
    const cards = all(card.parentElement);
    const at = cards.indexOf(card);
    if (across && !list) return;
    if (across) put(card, { list, at: Math.min(at, all(list).length) });
    else if (cards[at + along]) cards[at + along][along < 0 ? "before" : "after"](card);
    else return;
    card.querySelector("[data-board-grip]").focus();
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
    const refused = card.parentElement.classList.contains("is-closed") ? " It cannot be dropped here." : "";
    announce(`${card.parentElement.dataset.label}, ${position(card)}.${refused}`);
  }

  function drop() {
    const { card, origin } = held;
    release();
    if (card.parentElement === origin.list && all(origin.list).indexOf(card) === origin.at) {
      announce(`${card.dataset.title} stays where it was.`);
      refresh();
    } else send(card, origin);
  }

  function cancel() {
    const { card, origin } = held;
    release();
    put(card, origin);
    card.querySelector("[data-board-grip]").focus();
    announce(`${card.dataset.title} is back in ${origin.list.dataset.label}.`);
    refresh();
  }

  function release() {
    held.card.classList.remove("is-held");
    free(held.card);
    hint(null);
    held = null;
  }

  // The columns a card may not go to step back while it is held.
  function hint(card) {
    const open = new Set(card ? [card.parentElement.dataset.value, ...card.dataset.moves.split(" ")] : []);
    for (const list of board.querySelectorAll("[data-board-cards]")) list.classList.toggle("is-closed", Boolean(card) && !open.has(list.dataset.value));
  }

  prepare();
}

// While a card is in hand, live.js asks for nothing.
const keep = (card) => { card.dataset.liveWait = ""; };
const free = (card) => { delete card.dataset.liveWait; };
const all = (list) => [...list.querySelectorAll(":scope > .board-card")];
const position = (card) => { const cards = all(card.parentElement); return `${cards.indexOf(card) + 1} of ${cards.length}`; };
const place = (card) => ({ list: card.parentElement, at: all(card.parentElement).indexOf(card) });

function put(card, { list, at }) {
  const others = all(list).filter((one) => one !== card);
  if (others[at]) others[at].before(card);
  else if (others.length) others.at(-1).after(card);
  else list.prepend(card);
}

function beside(card, step) {
  const cards = all(card.parentElement);
  return cards[cards.indexOf(card) + step]?.id.replace("card-", "") ?? "";
}

function count(from, to, step) {
  if (from === to) return;
  for (const [list, by] of [[from, -step], [to, step]]) {
    const number = list.closest(".board-column").querySelector("[data-board-count]");
    if (/^\d+$/.test(number.textContent)) number.textContent = Number(number.textContent) + by;
  }
}
