import { newId, Outbox } from "../connection/outbox.js";
import { command } from "../protocol.js";

/** What the user asked for, shown at once, from the click to the server's answer to it. */
export class Clicks {
  #socket;
  #transcript;
  #outbox;
  #wishes;

  constructor(conversation, { socket, transcript, wishes, storage }) {
    this.#socket = socket;
    this.#transcript = transcript;
    this.#wishes = wishes;
    this.#outbox = new Outbox(storage, conversation);
    for (const click of this.#outbox.left()) this.#outbox.add(click, this.#show(click));
  }

  get areWaiting() {
    return !this.#outbox.isEmpty;
  }

  // Actions

  send(text, edited = null) {
    this.#take({ type: command.sendMessage, text, edits: edited?.dataset.messageId, ...this.#wishes.fields }, edited);
  }

  /** Another answer, or more of this one. `fields` are further ones of the command. */
  act(type, article, fields = {}) {
    const wishes = type === command.continue ? {} : this.#wishes.fields; // an answer is continued as it was begun
    this.#take({ type, message: article.dataset.messageId, ...wishes, ...fields }, article);
  }

  /** After a new connection. The server knows those that it has seen. */
  resend() {
    for (const click of this.#outbox.clicks) this.#socket.send(click);
  }

  /** The server has answered this one, so the page no longer pretends. Undefined if another tab sent it. */
  settle(id) {
    const entry = this.#outbox.take(id);
    entry?.takeBack();
    return entry;
  }

  stop() {
    this.#outbox.stopAll();
  }

  moveTo(conversation) {
    this.#outbox.moveTo(conversation);
  }

  // Internal

  #take(fields, article) {
    const since = performance.now();
    const click = { id: newId(), clickedAt: Date.now(), ...fields };
    this.#outbox.add(click, this.#show(click, article), since);
    this.#socket.ask(click);
  }

  /** Returns how to take it back. After a reload only questions are shown. */
  #show(click, article = null) {
    if (click.type === command.sendMessage) return this.#transcript.showPending(click.text, article);
    if (!article) return () => {};
    if (click.type === command.continue) return this.#transcript.showContinuing(article);
    return this.#transcript.showPending(null, article);
  }
}
