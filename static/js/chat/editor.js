import { copyOf } from "../dom.js";
import { isSendKey } from "./enter.js";

/** Edits a question in place. `onSave(text)`. */
export class Editor {
  #article;
  #form;

  constructor(article, { form, text, onSave }) {
    this.#article = article;
    this.#form = copyOf(form);
    this.#input.value = text;
    this.#form.addEventListener("submit", (e) => this.#save(e, onSave));
    this.#form.addEventListener("keydown", (e) => this.#press(e));
    this.#form.querySelector("[data-cancel]").addEventListener("click", () => this.#close());
    article.dataset.editing = "";
    article.append(this.#form);
    this.#input.focus();
    this.#input.setSelectionRange(text.length, text.length);
  }

  // Internal

  get #input() {
    return this.#form.querySelector("[data-input]");
  }

  #press(e) {
    if (e.key === "Escape" && !e.isComposing) {
      e.preventDefault();
      this.#close();
    } else if (isSendKey(e)) {
      e.preventDefault();
      this.#form.requestSubmit();
    }
  }

  #save(e, onSave) {
    e.preventDefault();
    const text = this.#input.value;
    if (!text.trim()) return;
    this.#close();
    onSave(text);
  }

  #close() {
    this.#form.remove();
    delete this.#article.dataset.editing;
    this.#article.querySelector("[data-action='edit']")?.focus({ preventScroll: true });
  }
}
