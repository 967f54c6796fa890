import { copyOf } from "./dom.js";
import { Part } from "./part.js";

const isText = (name) => name.endsWith(".text");

/** The parts of one answer, by name, such as "0.text" or "0.thinking"; made when they begin. */
export class Parts {
  #element;
  #forms;
  #parts = new Map();

  constructor(element, forms) {
    this.#element = element;
    this.#forms = forms;
  }

  get(name) {
    if (!this.#parts.has(name)) this.#parts.set(name, new Part(this.#place(name)));
    return this.#parts.get(name);
  }

  get seen() {
    return Object.fromEntries([...this.#parts].map(([name, part]) => [name, part.seen]));
  }

  /** The Markdown of the latest stage; of a finished answer it came with the page. */
  get source() {
    const texts = [...this.#parts.keys()].filter(isText).sort();
    if (texts.length) return this.#parts.get(texts.at(-1)).source;
    return this.#element.querySelector("[data-source]")?.content.textContent ?? "";
  }

  /** Take over the parts of an earlier article, to go on from them. */
  adopt(earlier, source) {
    const shown = [...earlier.querySelectorAll("[data-part]")];
    this.#element.replaceChildren(...shown);
    for (const element of shown) {
      const name = element.dataset.part;
      const part = isText(name) ? Part.reopened(element, source) : new Part(element);
      if (!isText(name)) part.restart();
      this.#parts.set(name, part);
    }
  }

  restart() {
    for (const part of this.#parts.values()) part.restart();
  }

  show() {
    for (const part of this.#parts.values()) part.show();
    if (this.source) this.#foldThinking();
  }

  // Internal

  #place(name) {
    const element = copyOf(this.#forms[isText(name) ? "text" : "thinking"]);
    element.dataset.part = name;
    if (isText(name)) this.#element.append(element);
    else this.#element.prepend(element);
    element.querySelector("summary")?.addEventListener("click", () => (element.dataset.touched = ""));
    return element;
  }

  /** Once, when the answer begins; not if the user has opened or closed it. */
  #foldThinking() {
    for (const details of this.#element.querySelectorAll("details[open]:not([data-touched])")) {
      details.open = false;
      details.dataset.touched = "";
    }
  }
}
