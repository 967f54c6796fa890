import { copyOf } from "../dom.js";

const CUT = ["failed", "timeout", "stopped"];
const WORDS = { running: "writing", failed: "failed", timeout: "timed out", stopped: "stopped" };

/** The stages of one answer, if it has several: where their parts go, and which one is shown as the answer. */
export class Stages {
  #element;
  #form;
  #statuses = new Map(); // by number
  #shown = null;

  constructor(element, form) {
    this.#element = element;
    this.#form = form;
    this.#readWrappers();
  }

  /** Returns the container of this stage's parts. Until the first stage event, all stages share one. */
  container(number) {
    return this.#wrapper(number)?.querySelector("[data-stage-parts]") ?? this.#element;
  }

  update(number, label, status) {
    this.#statuses.set(number, status);
    if (!this.#wrapper(number)) this.#insert(number);
    const wrapper = this.#wrapper(number);
    wrapper.dataset.status = status;
    wrapper.querySelector("[data-label]").textContent = label;
    wrapper.querySelector("[data-state-word]").textContent = WORDS[status] ?? "";
  }

  /** Called when the answer was stopped: no further stage events arrive. */
  stop() {
    for (const [number, status] of this.#statuses) {
      if (status === "running") this.update(number, this.#labelOf(number), "stopped");
    }
  }

  /** Opens the stage whose text is the answer, and folds the others unless the user has opened or closed them. */
  show(lengths) {
    const shown = shownStage(lengths, this.#statuses);
    for (const wrapper of this.#wrappers) wrapper.hidden = !lengths.get(Number(wrapper.dataset.stage)) && !hasThinking(wrapper);
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const wrapper of this.#wrappers) {
      const isShown = Number(wrapper.dataset.stage) === shown;
      wrapper.toggleAttribute("data-shown", isShown);
      if (isShown || !("touched" in wrapper.dataset)) wrapper.open = isShown;
    }
  }

  /** Called after an earlier article's elements were moved in. */
  adopt() {
    this.#readWrappers();
    this.#shown = null;
  }

  // Internal

  get #wrappers() {
    return [...this.#element.querySelectorAll(":scope > [data-stage]")];
  }

  #readWrappers() {
    for (const { dataset } of this.#wrappers) this.#statuses.set(Number(dataset.stage), dataset.status);
  }

  #wrapper(number) {
    return this.#wrappers.find((wrapper) => Number(wrapper.dataset.stage) === number);
  }

  #insert(number) {
    const wrapper = copyOf(this.#form);
    wrapper.dataset.stage = number;
    wrapper.querySelector("summary").addEventListener("click", () => (wrapper.dataset.touched = ""));
    const next = this.#wrappers.find((other) => Number(other.dataset.stage) > number);
    this.#element.insertBefore(wrapper, next ?? null);
  }

  #labelOf(number) {
    return this.#wrapper(number).querySelector("[data-label]").textContent;
  }
}

const hasThinking = (wrapper) => wrapper.querySelector("[data-part$='.thinking']") !== null;

/**
 * Returns the latest stage with text whose earlier stages have ended; but a stage that was cut off does not replace a
 * longer complete one. Mirrors `shown_stage` in plan.py.
 */
export function shownStage(lengths, statuses) {
  let shown = null;
  for (const [number, length] of [...lengths].sort(([a], [b]) => a - b)) {
    if (!length) continue;
    const wasCut = CUT.includes(statuses.get(number));
    const isWorse = wasCut && statuses.get(shown) === "done" && length < lengths.get(shown);
    const isEarly = [...statuses].some(([other, status]) => other < number && status === "running");
    if (shown === null || (!isWorse && !isEarly)) shown = number;
  }
  return shown ?? 0;
}
