// The operators' socket: says which page is shown, and hands on which of its pieces have changed.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const SILENCE_MS = 12_000; // while the page is looked at; then the connection is dead
const NOT_SIGNED_IN = 4401; // streaming/protocol.py has the codes
const GOING_AWAY = 4012;
const RESTART_SPREAD_MS = 1000; // so that all pages of a process that ends do not come back at once

export class LiveSocket {
  #onPieces;
  #onSignedOut;
  #socket = null;
  #frames = 0;
  #tries = 0;
  #retry = 0;
  #silence = 0;
  #hasEnded = false;

  constructor({ onPieces, onSignedOut }) {
    this.#onPieces = onPieces;
    this.#onSignedOut = onSignedOut;
  }

  // Lifecycle

  start() {
    addEventListener("online", () => this.#open());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (e) => e.persisted && this.#open());
    document.addEventListener("visibilitychange", () => this.#look());
    this.#open();
  }

  // Internal

  #open() {
    this.#leave();
    if (this.#hasEnded) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/ops/`);
    socket.onopen = () => this.#look();
    socket.onmessage = (message) => this.#receive(JSON.parse(message.data));
    socket.onclose = (closed) => this.#lose(closed.code);
    this.#socket = socket;
    this.#frames = 0;
  }

  /** Says what is shown, or that nobody looks. */
  #look() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    clearTimeout(this.#silence);
    if (document.hidden) {
      this.#send({ type: "hide" });
    } else {
      this.#send({ type: "show", address: location.pathname + location.search });
      this.#listen();
    }
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lose(0), SILENCE_MS);
  }

  #receive(message) {
    this.#frames += 1;
    this.#send({ type: "ack", frames: this.#frames });
    if (message.type === "refused") {
      this.#hasEnded = true; // this page fetches
      this.#leave();
    } else if (message.type === "changed") {
      this.#tries = 0;
      if (!document.hidden) this.#listen();
      this.#onPieces(message.pieces, message.whole);
    }
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #lose(code) {
    this.#leave();
    if (code === NOT_SIGNED_IN) {
      this.#hasEnded = true;
      this.#onSignedOut();
      return;
    }
    this.#retry = setTimeout(() => this.#open(), this.#delay(code));
    this.#tries += 1;
  }

  #delay(code) {
    if (code === GOING_AWAY && this.#tries < 3) return Math.random() * RESTART_SPREAD_MS;
    return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#tries) * (0.6 + 0.4 * Math.random());
  }

  /** Forget the connection without waiting for its end, which a dead network never tells. */
  #leave() {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }
}
