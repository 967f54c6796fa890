/** The composer's unsent text, per account and conversation; survives a reload. */
export class Draft {
  #storage;
  #key;

  constructor(storage, conversation) {
    this.#storage = storage;
    this.#key = keyOf(conversation);
  }

  get text() {
    return this.#storage.get(this.#key) ?? "";
  }

  set text(text) {
    this.#storage.set(this.#key, text); // if storage is forbidden, a draft does not survive a reload
  }

  /** Called when a new chat has got its URL. */
  moveTo(conversation) {
    const { text } = this;
    this.text = "";
    this.#key = keyOf(conversation);
    this.text = text;
  }
}

const keyOf = (conversation) => `draft:${conversation || "new"}`;
