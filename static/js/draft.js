/** What stands in the composer and was not sent: per account and conversation, it survives a reload. */
export class Draft {
  #account;
  #key;

  constructor(account, conversation) {
    this.#account = account;
    this.#key = this.#keyOf(conversation);
  }

  get text() {
    return localStorage.getItem(this.#key) ?? "";
  }

  set text(text) {
    try {
      if (text) localStorage.setItem(this.#key, text);
      else localStorage.removeItem(this.#key);
    } catch {
      // The storage is full or forbidden: then a draft does not survive a reload.
    }
  }

  /** A new chat has got its address. */
  moveTo(conversation) {
    const { text } = this;
    this.text = "";
    this.#key = this.#keyOf(conversation);
    this.text = text;
  }

  #keyOf(conversation) {
    return `draft:${this.#account}:${conversation || "new"}`;
  }
}
