import { command } from "../protocol.js";

/** Generations that the user wants stopped; a stop may have to wait for a connection. */
export class Stops {
  #socket;
  #wanted = new Set();

  constructor(socket) {
    this.#socket = socket;
  }

  /** False if it waits for a connection. */
  ask(generation) {
    this.#wanted.add(generation);
    return this.#socket.ask({ type: command.stop, generation });
  }

  /** After a new connection. */
  resend() {
    for (const generation of this.#wanted) this.#socket.send({ type: command.stop, generation });
  }

  /** It has ended, or cannot be stopped; true if that was wanted. */
  settle(generation) {
    return this.#wanted.delete(generation);
  }
}
