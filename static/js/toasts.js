import { copyOf } from "./dom.js";

const SHOWN_MS = 8000;

/** Short messages at the edge of the page; some can be undone. */
export class Toasts {
  #element;
  #form;

  constructor(element, form) {
    this.#element = element;
    this.#form = form;
    for (const toast of element.children) this.#serve(toast, null);
  }

  show(sentence, onUndo = null) {
    const toast = copyOf(this.#form);
    toast.querySelector("[data-text]").textContent = sentence;
    this.#serve(toast, onUndo);
    this.#element.append(toast);
  }

  // Internal

  #serve(toast, onUndo) {
    const undo = toast.querySelector("[data-undo]");
    const before = document.activeElement;
    const close = () => {
      const hadFocus = toast.contains(document.activeElement);
      toast.remove();
      if (hadFocus) before?.focus({ preventScroll: true });
    };
    toast.querySelector("[data-close]").addEventListener("click", close);
    undo.hidden = !onUndo;
    undo.addEventListener("click", () => {
      close();
      onUndo();
    });
    this.#closeLater(toast, close);
  }

  /** Closes the toast after a while, but not while it is hovered or focused. */
  #closeLater(toast, close) {
    setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) this.#closeLater(toast, close);
      else close();
    }, SHOWN_MS);
  }
}
