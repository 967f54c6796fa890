import { closeCode, command, event } from "../protocol.js";

const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 15_000;
const RESTART_SPREAD_MS = 1000; // so that not all pages of a process that ends reconnect at once
const TOO_MANY_DELAY_MS = 12_000;
const STABLE_MS = 5000; // a connection that lasted this long resets the delays
const PING_INTERVAL_MS = 20_000;
const SILENCE_MS = 30_000; // after a ping, until the connection counts as dead
const UNANSWERED_MS = 3000; // after a click, until the connection is tested
const TEST_MS = 4000; // after the testing ping, until the connection counts as dead
const ACK_FRAMES = 32;
const ACK_DELAY_MS = 250;

/** The connection: opens, keeps alive, acknowledges, reconnects. `onState(state, {delay, code})`. */
export class Socket {
  #address;
  #onEvent;
  #onState;
  #socket = null;
  #isOpen = false; // the server has said hello
  #openedAt = 0;
  #tries = 0;
  #frames = 0;
  #acknowledged = 0;
  #timers = {};

  constructor(address, { onEvent, onState }) {
    this.#address = address;
    this.#onEvent = onEvent;
    this.#onState = onState;
    addEventListener("offline", () => this.#timers.ended || this.#lose(0));
    addEventListener("online", () => this.#look());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (e) => e.persisted && this.open());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  // Actions

  open() {
    this.#leave();
    this.#onState(this.#openedAt || this.#tries ? "reconnecting" : "connecting", {});
    const socket = new WebSocket(this.#address());
    socket.onmessage = (message) => this.#receive(message.data);
    socket.onclose = (closed) => this.#lose(closed.code);
    this.#socket = socket;
    this.#timers.silence = setTimeout(() => this.#lose(0), SILENCE_MS);
  }

  /** Returns false if nothing was sent, for want of a connection. */
  send(message) {
    if (!this.#isOpen || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Sends what the user waits for, and tests the connection if nothing arrives: the network may have changed. */
  request(message) {
    this.#timers.unanswered ??= setTimeout(() => this.#test(), UNANSWERED_MS);
    return this.send(message);
  }

  retryNow() {
    if (!this.#isOpen) this.open();
  }

  // Internal

  #receive(data) {
    for (const name of ["silence", "unanswered", "test"]) this.#end(name);
    this.#frames += 1;
    const message = JSON.parse(data);
    if (message.type === event.hello) this.#greet();
    this.#acknowledgeSoon();
    this.#onEvent(message);
  }

  #greet() {
    this.#isOpen = true;
    this.#openedAt = Date.now();
    this.#timers.ping = setInterval(() => this.#ping(), PING_INTERVAL_MS);
    this.#onState("open", {});
  }

  #acknowledgeSoon() {
    if (this.#frames - this.#acknowledged >= ACK_FRAMES) this.#acknowledge();
    else this.#timers.ack ??= setTimeout(() => this.#acknowledge(), ACK_DELAY_MS);
  }

  #acknowledge() {
    this.#end("ack");
    if (this.send({ type: command.acknowledge, frames: this.#frames })) this.#acknowledged = this.#frames;
  }

  #ping() {
    this.send({ type: command.ping });
    this.#timers.silence ??= setTimeout(() => this.#lose(0), SILENCE_MS);
  }

  #test() {
    this.#ping();
    this.#timers.test ??= setTimeout(() => this.#lose(0), TEST_MS);
  }

  /** Called when the network is back or the tab visible again: its timers may have been suspended for hours. */
  #look() {
    if (document.hidden || this.#timers.ended) return;
    if (!this.#isOpen) this.retryNow();
    else this.#test();
  }

  #end(name) {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }

  #lose(code) {
    if (this.#isOpen && Date.now() - this.#openedAt > STABLE_MS) this.#tries = 0;
    this.#leave();
    if (code === closeCode.notSignedIn || code === closeCode.notFound) {
      this.#timers.ended = true;
      this.#onState("closed", { code });
      return;
    }
    const delay = this.#delay(code);
    this.#tries += 1;
    this.#timers.retry = setTimeout(() => this.open(), delay);
    this.#onState("reconnecting", { delay, code });
  }

  #delay(code) {
    if (code === closeCode.goingAway && this.#tries < 3) return Math.random() * RESTART_SPREAD_MS;
    if (code === closeCode.tooMany) return TOO_MANY_DELAY_MS * (1 + Math.random());
    return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#tries) * (0.6 + 0.4 * Math.random());
  }

  /** Drops the connection without waiting for its close event, which a dead network never delivers. */
  #leave() {
    for (const name of Object.keys(this.#timers)) this.#end(name); // intervals too
    this.#isOpen = false;
    this.#frames = this.#acknowledged = 0;
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }
}
