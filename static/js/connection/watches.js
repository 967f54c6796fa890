import { command } from "../protocol.js";

const AGAIN_DELAY_MS = 2000; // before watching an answer again that was not available

/** Watches every unfinished answer on the page, once per connection and article. */
export class Watches {
  #socket;
  #transcript;
  #watched = new WeakSet(); // answers that this connection sends

  constructor(socket, transcript) {
    this.#socket = socket;
    this.#transcript = transcript;
  }

  /** Called after a new connection, which does not send any answers yet. */
  restart() {
    this.#watched = new WeakSet();
    this.watchAll();
  }

  watchAll() {
    for (const answer of this.#transcript.unfinished) if (!this.#watched.has(answer)) this.watch(answer.generation);
  }

  watch(generation) {
    const answer = this.#transcript.answer(generation);
    if (!answer || answer.isFinal) return;
    if (this.#socket.send({ type: command.watch, generation, ...answer.progress })) this.#watched.add(answer);
  }

  watchLater(generation) {
    setTimeout(() => this.watch(generation), AGAIN_DELAY_MS);
  }

  /** Called for an answer that the server sends without a watch command. */
  markWatched(generation) {
    const answer = this.#transcript.answer(generation);
    if (answer) this.#watched.add(answer);
  }
}
