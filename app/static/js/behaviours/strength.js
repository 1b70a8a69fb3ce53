// Asks how strong a new password is, 400 ms after the last letter: copies it into #strength_form, which posts it and keeps nothing.
export function init(form) {
  const asking = document.getElementById("strength_form");
  if (!asking) return;
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      for (const name of ["password", "name"]) {
        const typed = form.elements.namedItem(name);
        if (typed) asking.elements.namedItem(name).value = typed.value;
      }
      asking.dispatchEvent(new CustomEvent("fairlead:strength"));
    }, 400);
  });
}
