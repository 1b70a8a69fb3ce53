// Where one replies: keeps what is typed on the server a second after the last key (and in this browser while that fails), sends with Ctrl+Enter,
// uploads files as they are chosen, and says to others what is being written (presence.js reads data-writing).
import { token } from "./token.js";

const REST = 1000;

export function init(form) {
  const body = form.elements.body;
  const state = form.querySelector("[data-editor-state]");
  const local = `fairlead.unsaved:${document.body.dataset.account ?? ""}:${form.dataset.drafts}`;
  let timer;
  let saving = Promise.resolve();
  let sent = false;
  let crossed = false;

  const kind = () => { form.dataset.writing = form.elements.kind.value; };
  const values = () => {
    const all = new URLSearchParams();
    for (const name of ["kind", "body", "cc", "draft_version"]) all.set(name, form.elements[name].value);
    return all;
  };

  async function save() {
    clearTimeout(timer);
    timer = undefined;
    if (sent || crossed || !form.isConnected) return;
    try {
      const answer = await fetch(form.dataset.drafts, { method: "POST", body: values(), headers: { "X-CSRFToken": token(), "HX-Request": "true" }, keepalive: body.value.length < 30000 });
      if (answer.status === 409) {
        crossed = true;
        const { message } = await answer.json();
        state.textContent = `${message} Reload the page to see both; until then this one is kept in this browser.`;
        return keep();
      }
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      form.elements.draft_version.value = (await answer.json()).version;
      localStorage.removeItem(local);
      state.textContent = body.value.trim() ? "Draft saved" : "";
    } catch {
      keep();
      state.textContent = "Not saved on the server yet; kept in this browser.";
    }
  }

  function keep() {
    try { localStorage.setItem(local, JSON.stringify({ at: Date.now(), body: body.value, cc: form.elements.cc.value, kind: form.elements.kind.value })); } catch { /* full or forbidden */ }
  }

  function restore() {
    let kept;
    try { kept = JSON.parse(localStorage.getItem(local)); } catch { kept = null; }
    if (!kept?.body || kept.body === body.value || form.querySelector("[data-error-summary]")) return;
    // What the server has is older, or of another device: both are kept, one below the other.
    body.value = body.value.trim() && !kept.body.startsWith(body.value) ? `${body.value}\n\n${kept.body}` : kept.body;
    if (!form.elements.cc.value) form.elements.cc.value = kept.cc;
    state.textContent = "What you typed earlier is back.";
    later();
  }

  const later = () => { clearTimeout(timer); timer = setTimeout(() => { saving = saving.then(save); }, REST); };

  form.addEventListener("input", (event) => { if (event.target.type !== "file" && event.target.name !== "q") later(); });
  form.addEventListener("change", (event) => {
    if (event.target.name === "kind") { kind(); later(); }
    if (event.target.type === "file") upload([...event.target.files]);
  });
  // The label is pressed by r and n; then one wants to write.
  form.querySelector(".editor-kinds").addEventListener("click", () => setTimeout(() => body.focus()));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) { event.preventDefault(); form.querySelector("[data-editor-send]").click(); }
  });
  form.addEventListener("submit", () => { clearTimeout(timer); sent = true; keep(); });
  form.addEventListener("htmx:after:request", (event) => {
    if (event.target !== form) return;
    sent = false;
    if (event.detail.ctx.response?.status < 400) localStorage.removeItem(local);
  });
  addEventListener("pagehide", () => { if (timer && form.isConnected) save(); });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-file]");
    if (!button) return;
    event.preventDefault();
    ask(button.getAttribute("formaction"));
  });
  // Pasted and dropped files are attached as well.
  body.addEventListener("paste", (event) => { const files = [...(event.clipboardData?.files ?? [])]; if (files.length) { event.preventDefault(); upload(files); } });
  form.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) { event.preventDefault(); form.classList.add("is-drop"); } });
  form.addEventListener("dragleave", () => form.classList.remove("is-drop"));
  form.addEventListener("drop", (event) => { form.classList.remove("is-drop"); const files = [...(event.dataTransfer?.files ?? [])]; if (files.length) { event.preventDefault(); upload(files); } });

  async function upload(files) {
    form.elements.file.value = "";
    await saving;
    for (const file of files) await one(file);
  }

  // One file with its progress; the answer is the list of those that wait, or why this one does not.
  function one(file) {
    const line = document.createElement("p");
    line.className = "file-progress";
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    bar.setAttribute("aria-label", file.name);
    line.append(file.name, bar);
    form.querySelector("#waiting_files").append(line);
    const send = form.querySelector("[data-editor-send]");
    send.disabled = true;
    const data = new FormData();
    data.append("file", file);
    return ask(form.dataset.uploads, data, (done) => { bar.value = done; }).finally(() => { send.disabled = false; line.remove(); });
  }

  function ask(url, data = new FormData(), progress = () => {}) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", url);
      for (const [name, value] of [["X-CSRFToken", token()], ["HX-Request", "true"], ["HX-Request-Type", "partial"], ["HX-Target", "div#waiting_files"]]) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) progress(event.loaded / event.total); });
      request.addEventListener("loadend", () => {
        const part = new DOMParser().parseFromString(request.responseText ?? "", "text/html").getElementById("waiting_files");
        if (part) form.querySelector("#waiting_files").replaceWith(part);
        else state.textContent = request.status === 413 ? "This file is too large." : "The file did not arrive. Check your connection and choose it again.";
        resolve();
      });
      request.send(data);
    });
  }

  kind();
  restore();
}
