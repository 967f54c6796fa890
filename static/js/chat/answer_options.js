/** The user's choice of mode and model for the next answers; stored per account. */
export class AnswerOptions {
  #selects;

  constructor(selects, storage) {
    this.#selects = selects;
    for (const [name, select] of Object.entries(selects)) {
      const stored = storage.get(name);
      if ([...select.options].some((option) => option.value === stored)) select.value = stored;
      select.addEventListener("change", () => storage.set(name, select.value));
    }
  }

  /** Fields of a command. */
  get fields() {
    return Object.fromEntries(Object.entries(this.#selects).map(([name, select]) => [name, select.value]));
  }
}
