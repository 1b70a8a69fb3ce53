// "Keep all of mine" and "Take all of theirs" in the view of a conflict: set every choice at once.
export function init(form) {
  form.addEventListener("click", (event) => {
    const side = event.target.closest("[data-choose]")?.dataset.choose;
    if (!side) return;
    for (const choice of form.querySelectorAll(`input[type=radio][value="${side}"]`)) choice.checked = true;
  });
}
