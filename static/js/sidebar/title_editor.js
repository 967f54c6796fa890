/** Edits the title of an entry in place. `onSave(title)`, and `onEnd()` in any case. */
export class TitleEditor {
  #entry;
  #input = document.createElement("input");
  #title;
  #onSave;
  #onEnd;

  constructor(entry, { onSave, onEnd }) {
    this.#entry = entry;
    this.#onSave = onSave;
    this.#onEnd = onEnd;
    this.#title = entry.querySelector("[data-title]").textContent;
    this.#input.className = "entry__input";
    this.#input.value = this.#title;
    this.#input.ariaLabel = "Title";
    this.#input.dir = "auto";
    this.#input.maxLength = 120;
    this.#input.addEventListener("keydown", (e) => this.#press(e));
    this.#input.addEventListener("blur", () => this.#end(true));
    entry.dataset.editing = "";
    entry.append(this.#input);
    this.#input.select();
  }

  // Internal

  #press(e) {
    if (e.isComposing || e.keyCode === 229 || (e.key !== "Enter" && e.key !== "Escape")) return;
    e.preventDefault();
    e.stopPropagation();
    this.#end(e.key === "Enter");
  }

  #end(saves) {
    if (!("editing" in this.#entry.dataset)) return; // removing the input fires blur again
    delete this.#entry.dataset.editing;
    const title = this.#input.value.trim();
    this.#input.remove();
    this.#entry.querySelector("a").focus({ preventScroll: true });
    if (saves && title && title !== this.#title) this.#onSave(title);
    this.#onEnd();
  }
}
