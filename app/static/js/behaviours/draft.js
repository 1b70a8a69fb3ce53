// Keeps what is typed into a form until it is saved, so that a closed tab or a crash loses nothing; says so when it puts it back.
// Kept per account, path and form id, for a week. Never passwords, files, hidden fields (the CSRF token) or one-time codes.
import { init as settle } from "./sent.js";

const WEEK = 7 * 24 * 3600 * 1000;
const HEAD = "fairlead.draft:";

export function init(form) {
  const key = `${HEAD}${document.body.dataset.account ?? ""}:${location.pathname}:${form.id}`;
  const fresh = !form.querySelector("[data-error-summary]"); // with errors the server already put the values back
  const clear = () => { clearTimeout(timer); localStorage.removeItem(key); };
  let timer;

  sweep();
  settle(); // of what was posted before, so that a form that was saved does not come back as a draft
  if (fresh) restore();

  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(save, 400); });
  form.addEventListener("fairlead:discard", clear);
  form.addEventListener("submit", () => { save(); if (!form.hasAttribute("hx-post")) sessionStorage.setItem(`${key}:sent`, "1"); });
  form.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (event.target === form && ctx.request.method !== "GET" && ctx.response.status < 400) clear();
  });
  addEventListener("pagehide", () => { if (timer && form.isConnected && !sessionStorage.getItem(`${key}:sent`)) save(); });

  function fields() {
    return [...form.elements].filter((field) => field.name && field.matches("input, textarea, select")
      && !field.matches("[type=hidden], [type=password], [type=file], [autocomplete^=cc-], [autocomplete=one-time-code], [data-no-draft]"));
  }

  function save() {
    clearTimeout(timer);
    timer = undefined;
    const values = fields().map((field) => [field.name, field.type === "checkbox" || field.type === "radio" ? field.checked : field.value]);
    const changed = fields().some((field, index) => values[index][1] !== before(field));
    if (!changed) { localStorage.removeItem(key); return; }
    try { localStorage.setItem(key, JSON.stringify({ at: Date.now(), values })); } catch { /* storage is full or forbidden: typing goes on */ }
  }

  function before(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.defaultChecked;
    if (!field.options || field.list) return field.defaultValue;
    return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value ?? "";
  }

  function restore() {
    let kept;
    try { kept = JSON.parse(localStorage.getItem(key)); } catch { kept = null; }
    const here = fields();
    if (!kept || kept.values.length !== here.length || kept.values.some(([name], index) => name !== here[index].name)) return;
    here.forEach((field, index) => { field[typeof kept.values[index][1] === "boolean" ? "checked" : "value"] = kept.values[index][1]; });
    const notice = document.createElement("div");
    notice.className = "notice notice-info draft-notice";
    notice.setAttribute("role", "status");
    const discard = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: "Discard it" });
    discard.addEventListener("click", () => { form.reset(); clear(); notice.remove(); here[0]?.focus(); });
    notice.append("What you typed earlier is back; it is not saved yet.", discard);
    form.prepend(notice);
    form.dispatchEvent(new CustomEvent("fairlead:restored", { bubbles: true }));
  }
}

function sweep() {
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith(HEAD))) {
    try { if (Date.now() - JSON.parse(localStorage.getItem(key)).at > WEEK) localStorage.removeItem(key); } catch { localStorage.removeItem(key); }
  }
}
