import { command } from "../protocol.js";

/** Generations that the user has stopped; a stop may have to wait for a connection. */
export class Stops {
  #socket;
  #pending = new Set();

  constructor(socket) {
    this.#socket = socket;
  }

  /** Returns false if the stop waits for a connection. */
  stop(generation) {
    this.#pending.add(generation);
    return this.#socket.request({ type: command.stop, generation });
  }

  /** Called after a new connection. */
  resend() {
    for (const generation of this.#pending) this.#socket.send({ type: command.stop, generation });
  }

  /** Called when the generation has ended or cannot be stopped. Returns whether the user had stopped it. */
  settle(generation) {
    return this.#pending.delete(generation);
  }
}
