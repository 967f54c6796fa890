/** How thorough the next answer shall be; remembered per account. */
export class ModeChoice {
  #select;
  #key;

  constructor(select, account) {
    this.#select = select;
    this.#key = `mode:${account}`;
    const remembered = localStorage.getItem(this.#key);
    if ([...select.options].some((option) => option.value === remembered)) select.value = remembered;
    select.addEventListener("change", () => this.#remember());
  }

  get value() {
    return this.#select.value;
  }

  #remember() {
    try {
      localStorage.setItem(this.#key, this.value);
    } catch {
      // The storage is full or forbidden: then the choice holds for this page.
    }
  }
}
