/** The setting "Smooth streaming": remembered in this browser, per account. */
export class Pace {
  #storage;
  #isEnabled;
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(storage) {
    this.#storage = storage;
    this.#remember();
    addEventListener("storage", () => this.#remember());
  }

  get isEnabled() {
    return this.#isEnabled;
  }

  set isEnabled(isEnabled) {
    this.#storage.set("pace", isEnabled ? "even" : "");
    this.#remember();
  }

  /** Whether text may be held back now. */
  get isOn() {
    return this.#isEnabled && !document.hidden && !this.#stillness.matches;
  }

  // Internal

  #remember() {
    this.#isEnabled = this.#storage.get("pace") === "even";
  }
}
