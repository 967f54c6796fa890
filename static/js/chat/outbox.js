import { command } from "../protocol.js";

/**
 * Clicks that the server has not answered yet: shown at once, and sent again after a lost connection or a reload. Their
 * ids make repeated sending harmless.
 */
export class Outbox {
  #socket;
  #transcript;
  #options;
  #storage;
  #key;
  #pending = new Map(); // by id: {click, undo, since, stop}

  constructor(conversation, { socket, transcript, options, storage }) {
    this.#socket = socket;
    this.#transcript = transcript;
    this.#options = options;
    this.#storage = storage;
    this.#key = keyOf(conversation);
    for (const click of this.#stored()) this.#add(click);
  }

  get isEmpty() {
    return this.#pending.size === 0;
  }

  // Actions

  send(text, edited = null) {
    this.#submit({ type: command.sendMessage, text, edits: edited?.dataset.messageId, ...this.#options.fields }, edited);
  }

  /** Requests another answer, or more of this one. `fields`: further fields of the command. */
  act(type, article, fields = {}) {
    const options = type === command.continue ? {} : this.#options.fields; // continuing keeps the answer's options
    this.#submit({ type, message: article.dataset.messageId, ...options, ...fields }, article);
  }

  /** Called after a new connection. The server recognises clicks that it has seen. */
  resend() {
    for (const { click } of this.#pending.values()) this.#socket.send(click);
  }

  /** Stops the requested answers as soon as they exist. */
  stopAll() {
    for (const entry of this.#pending.values()) entry.stop = true;
  }

  /** Called when the server has answered this click: undoes its preview. Returns undefined for another tab's click. */
  settle(id) {
    const entry = this.#pending.get(id);
    this.#pending.delete(id);
    this.#store();
    entry?.undo();
    return entry;
  }

  /** Called when a new chat has got its URL. */
  moveTo(conversation) {
    this.#storage.set(this.#key, "");
    this.#key = keyOf(conversation);
    this.#store();
  }

  // Internal

  #submit(fields, article) {
    const since = performance.now();
    const click = { id: newId(), clickedAt: Date.now(), ...fields };
    this.#add(click, article, since);
    this.#socket.request(click);
  }

  /** `since`: performance.now() at the click, if this page saw it. */
  #add(click, article = null, since = null) {
    this.#pending.set(click.id, { click, undo: this.#show(click, article), since, stop: false });
    this.#store();
  }

  /** Returns a function that undoes it. After a reload, only questions are shown. */
  #show(click, article) {
    if (click.type === command.sendMessage) return this.#transcript.showPending(click.text, article);
    if (!article) return () => {};
    if (click.type === command.continue) return this.#transcript.showContinuing(article);
    return this.#transcript.showPending(null, article);
  }

  /** Returns clicks that an earlier load of this page stored. */
  #stored() {
    try {
      return JSON.parse(this.#storage.get(this.#key)) ?? [];
    } catch {
      return [];
    }
  }

  #store() {
    const clicks = [...this.#pending.values()].map(({ click }) => click);
    this.#storage.set(this.#key, this.isEmpty ? "" : JSON.stringify(clicks));
  }
}

const keyOf = (conversation) => `outbox:${conversation || "new"}`;

/** crypto.randomUUID exists only on https and localhost. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
