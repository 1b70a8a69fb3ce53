// A value being edited in its place: the field is focused and selected, Esc cancels, and focus returns to the pencil afterwards.
export function init(form) {
  const field = form.querySelector("input:not([type=hidden]), select, textarea");
  const wrong = form.querySelector("[aria-invalid]");
  (wrong ?? field)?.focus();
  // Typing replaces a value, but adds to a list of tags.
  if (field?.dataset.behaviour === "tags") field.setSelectionRange(field.value.length, field.value.length);
  else if (!wrong) field?.select?.();
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
