import { command } from "../protocol.js";

const AGAIN_DELAY_MS = 2000; // before something is asked for that was not to be had

/** Asks for every unfinished answer on the page, however it came there: once per connection and article. */
export class Watches {
  #socket;
  #transcript;
  #asked = new WeakSet(); // answers that this connection sends

  constructor(socket, transcript) {
    this.#socket = socket;
    this.#transcript = transcript;
  }

  /** A new connection sends nothing yet. */
  begin() {
    this.#asked = new WeakSet();
    this.all();
  }

  all() {
    for (const answer of this.#transcript.unfinished) if (!this.#asked.has(answer)) this.ask(answer.generation);
  }

  ask(generation) {
    const answer = this.#transcript.answer(generation);
    if (!answer || answer.isFinal) return;
    if (this.#socket.send({ type: command.watch, generation, ...answer.progress })) this.#asked.add(answer);
  }

  askLater(generation) {
    setTimeout(() => this.ask(generation), AGAIN_DELAY_MS);
  }

  /** The server sends this one by itself. */
  isSent(generation) {
    const answer = this.#transcript.answer(generation);
    if (answer) this.#asked.add(answer);
  }
}
