import { copyOf } from "../dom.js";
import { Pacer } from "./pacer.js";
import { Part } from "./part.js";
import { Stages } from "./stages.js";

const isText = (name) => name.endsWith(".text");
const stageOf = (name) => Number.parseInt(name, 10);

/** The parts of one answer by name, such as "0.text" or "0.thinking"; each is made when it begins. */
export class Parts {
  #element;
  #forms;
  #pace;
  #parts = new Map();
  #stages;

  constructor(element, forms, pace) {
    this.#element = element;
    this.#forms = forms;
    this.#pace = pace;
    this.#stages = new Stages(element, forms.stage);
  }

  get(name) {
    if (!this.#parts.has(name)) this.#parts.set(name, new Part(this.#place(name), new Pacer(this.#pace)));
    return this.#parts.get(name);
  }

  get seen() {
    return Object.fromEntries([...this.#parts].map(([name, part]) => [name, part.seen]));
  }

  /** The Markdown of the stage that is shown; for a finished answer, it came with the page. */
  get source() {
    const shown = this.#element.querySelector(":scope > [data-shown]") ?? this.#element;
    const name = shown.querySelector("[data-part$='.text']")?.dataset.part;
    if (this.#parts.has(name)) return this.#parts.get(name).source;
    return shown.querySelector("[data-source]")?.content.textContent ?? "";
  }

  /** Takes over the parts of an earlier article to continue them. */
  adopt(earlier, source) {
    this.#element.replaceChildren(...earlier.querySelector("[data-parts]").children);
    this.#stages.adopt();
    for (const element of this.#element.querySelectorAll("[data-part]")) {
      const name = element.dataset.part;
      const its = element.closest("[data-stage]")?.querySelector("[data-source]")?.content.textContent;
      const pacer = new Pacer(this.#pace);
      const part = isText(name) ? Part.reopened(element, its ?? source, pacer) : new Part(element, pacer);
      if (!isText(name)) part.restart();
      this.#parts.set(name, part);
    }
  }

  restart() {
    for (const part of this.#parts.values()) part.restart();
  }

  /** Updates the status of a stage; only for answers with several. */
  updateStage(number, label, status) {
    this.#stages.update(number, label, status);
  }

  /** Called when the answer has ended: updates the blocks that differ, by part. */
  finish(status, different) {
    for (const part of this.#parts.values()) part.end();
    for (const [name, blocks] of Object.entries(different)) this.get(name).finish(blocks);
    if (status !== "done") this.#stages.stop();
    this.show();
  }

  /** Returns true if arrived text is held back, so that `show` must be called again in the next frame. */
  show() {
    const held = [...this.#parts.values()].filter((part) => part.show()).length > 0;
    const texts = [...this.#parts].filter(([name]) => isText(name));
    if (texts.length) this.#stages.show(new Map(texts.map(([name, part]) => [stageOf(name), part.source.length])));
    for (const [name, part] of texts) if (part.source) this.#foldThinking(this.#stages.container(stageOf(name)));
    return held;
  }

  // Internal

  #place(name) {
    const container = this.#stages.container(stageOf(name));
    const element = copyOf(this.#forms[isText(name) ? "text" : "thinking"]);
    element.dataset.part = name;
    if (isText(name)) container.append(element);
    else container.prepend(element);
    element.querySelector("summary")?.addEventListener("click", () => (element.dataset.touched = ""));
    return element;
  }

  /** Folds the thinking once, when the text begins; not if the user has opened or closed it. */
  #foldThinking(container) {
    for (const details of container.querySelectorAll(":scope > details[data-part][open]:not([data-touched])")) {
      details.open = false;
      details.dataset.touched = "";
    }
  }
}
