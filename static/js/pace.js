/** Whether the user wants text at an even pace; remembered in this browser, per account. */
export class Pace {
  #key;
  #isWanted;
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(account) {
    this.#key = `pace:${account}`;
    this.#remember();
    addEventListener("storage", () => this.#remember());
  }

  get isWanted() {
    return this.#isWanted;
  }

  set isWanted(wanted) {
    try {
      if (wanted) localStorage.setItem(this.#key, "even");
      else localStorage.removeItem(this.#key);
    } catch {
      // The storage is full or forbidden: then nothing has changed.
    }
    this.#remember();
  }

  /** Text may be held back now. */
  get isOn() {
    return this.#isWanted && !document.hidden && !this.#stillness.matches;
  }

  // Internal

  #remember() {
    this.#isWanted = localStorage.getItem(this.#key) === "even";
  }
}
