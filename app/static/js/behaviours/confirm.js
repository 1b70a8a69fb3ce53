// "Are you sure?" in a dialog of ours instead of the browser's: for hx-confirm, and for forms with data-confirm that post without htmx.
export function init() {
  document.addEventListener("htmx:confirm", async (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail;
    event.preventDefault();
    ((await ask("Are you sure?", ctx.confirm)) ? issueRequest : dropRequest)();
  });
  // In the capture phase: before htmx or anything else sees the submit.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    // The dialog's button says what the pressed one says, and is as red.
    const pressed = event.submitter;
    const danger = pressed?.classList.contains("btn-danger");
    if (!(await ask("Are you sure?", form.dataset.confirm, pressed?.innerText.trim() || undefined, danger))) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(pressed);
    delete form.dataset.confirmed;
  }, true);
}

export function ask(title, text, yes = "Continue", danger = false) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("role", "alertdialog");
  dialog.append(document.getElementById("confirm-template").content.cloneNode(true));
  const heading = dialog.querySelector("[data-confirm-title]");
  heading.textContent = title;
  heading.id = "confirm-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.querySelector("[data-confirm-text]").textContent = text;
  const confirm = dialog.querySelector("[data-confirm-yes]");
  confirm.textContent = yes;
  if (danger) confirm.classList.replace("btn-primary", "btn-danger");
  document.body.append(dialog);
  const before = document.activeElement;
  return new Promise((resolve) => {
    confirm.addEventListener("click", () => dialog.close("yes"));
    dialog.querySelector("[data-confirm-no]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
    dialog.querySelector("[data-confirm-no]").focus();
  });
}
