/** What the user wants of the next answers: how thorough, and by which model. Remembered per account. */
export class Wishes {
  #selects;
  #account;

  constructor(selects, account) {
    this.#selects = selects;
    this.#account = account;
    for (const [name, select] of Object.entries(selects)) {
      const remembered = localStorage.getItem(this.#key(name));
      if ([...select.options].some((option) => option.value === remembered)) select.value = remembered;
      select.addEventListener("change", () => this.#remember(name));
    }
  }

  /** As fields of a click. */
  get fields() {
    return Object.fromEntries(Object.entries(this.#selects).map(([name, select]) => [name, select.value]));
  }

  #remember(name) {
    try {
      localStorage.setItem(this.#key(name), this.#selects[name].value);
    } catch {
      // The storage is full or forbidden: then the choice holds for this page.
    }
  }

  #key(name) {
    return `${name}:${this.#account}`;
  }
}
