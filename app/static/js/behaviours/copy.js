// Copies data-copy to the clipboard and says so.
import { toast } from "./toast.js";

export function init(button) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      toast("Copied.", { tone: "success" });
    } catch {
      toast("Copying is not allowed here. Select the text and copy it by hand.", { tone: "warning" });
    }
  });
}
