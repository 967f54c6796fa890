/** Whether the user wants text at an even pace; remembered in this browser, per account. */
export class Pace {
  #storage;
  #isWanted;
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(storage) {
    this.#storage = storage;
    this.#remember();
    addEventListener("storage", () => this.#remember());
  }

  get isWanted() {
    return this.#isWanted;
  }

  set isWanted(wanted) {
    this.#storage.set("pace", wanted ? "even" : "");
    this.#remember();
  }

  /** Text may be held back now. */
  get isOn() {
    return this.#isWanted && !document.hidden && !this.#stillness.matches;
  }

  // Internal

  #remember() {
    this.#isWanted = this.#storage.get("pace") === "even";
  }
}
