/** What stands in the composer and was not sent: per account and conversation, it survives a reload. */
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
    this.#storage.set(this.#key, text); // where that is forbidden, a draft does not survive a reload
  }

  /** A new chat has got its address. */
  moveTo(conversation) {
    const { text } = this;
    this.text = "";
    this.#key = keyOf(conversation);
    this.text = text;
  }
}

const keyOf = (conversation) => `draft:${conversation || "new"}`;
