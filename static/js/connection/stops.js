import { command } from "../protocol.js";

/** Generations that the user wants stopped; a stop may have to wait for a connection. */
export class Stops {
  #socket;
  #pending = new Set();

  constructor(socket) {
    this.#socket = socket;
  }

  /** False if it waits for a connection. */
  stop(generation) {
    this.#pending.add(generation);
    return this.#socket.request({ type: command.stop, generation });
  }

  /** After a new connection. */
  resend() {
    for (const generation of this.#pending) this.#socket.send({ type: command.stop, generation });
  }

  /** It has ended, or cannot be stopped; true if that was asked for. */
  settle(generation) {
    return this.#pending.delete(generation);
  }
}
