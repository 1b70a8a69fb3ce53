// A value being edited in its place: the field is focused and selected, Esc cancels, and focus returns to the pencil afterwards.
export function init(form) {
  const field = form.querySelector("input:not([type=hidden]), select, textarea");
  if (!form.querySelector("[aria-invalid]")) { field?.focus(); field?.select?.(); } else form.querySelector("[aria-invalid]").focus();
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    form.querySelector("[data-cancel]")?.click();
  });
  const { id } = form;
  document.addEventListener("htmx:after:swap", function back() {
    if (form.isConnected) return;
    document.removeEventListener("htmx:after:swap", back);
    requestAnimationFrame(() => document.getElementById(id)?.querySelector(".inline-pencil")?.focus());
  });
}
