// A comma separated text field, with its tags shown as chips that can be taken out one by one. The field itself stays what is posted.
export function init(input) {
  const box = document.createElement("div");
  box.className = "tag-box";
  input.after(box);
  const read = () => [...new Set(input.value.split(",").map((tag) => tag.trim()).filter(Boolean))];

  function draw() {
    box.replaceChildren(...read().map((tag) => {
      const chip = Object.assign(document.createElement("span"), { className: "tag", textContent: tag });
      const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
      remove.setAttribute("aria-label", `Remove the tag ${tag}`);
      remove.addEventListener("click", () => {
        input.value = read().filter((other) => other !== tag).join(", ");
        input.dispatchEvent(new Event("input", { bubbles: true }));
        draw();
        input.focus();
      });
      chip.append(remove);
      return chip;
    }));
  }
  input.addEventListener("change", draw);
  input.form?.addEventListener("fairlead:restored", draw);
  input.form?.addEventListener("reset", () => setTimeout(draw));
  draw();
}
