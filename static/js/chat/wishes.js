/** What the user wants of the next answers: how thorough, and by which model. Remembered per account. */
export class Wishes {
  #selects;

  constructor(selects, storage) {
    this.#selects = selects;
    for (const [name, select] of Object.entries(selects)) {
      const remembered = storage.get(name);
      if ([...select.options].some((option) => option.value === remembered)) select.value = remembered;
      select.addEventListener("change", () => storage.set(name, select.value));
    }
  }

  /** As fields of a click. */
  get fields() {
    return Object.fromEntries(Object.entries(this.#selects).map(([name, select]) => [name, select.value]));
  }
}
