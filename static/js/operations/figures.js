// Keeps the figures of an operators' page fresh while it is looked at: by the socket, else by fetching the page again.

import { pageFrom, setHtml } from "../dom.js";
import { LiveSocket } from "./live_socket.js";
import { refreshRows } from "./rows.js";

const INTERVAL_MS = 2000;
const PATIENCE_MS = 10_000; // with one answer
const SOCKET_PATIENCE_MS = 5000; // without news of the socket; then the page is fetched
const OTHER_PARTS = "This page has got other parts. Reload it to see them.";

class SignedOut extends Error {}

export class Figures {
  #element;
  #socket = new LiveSocket({ onPieces: (pieces, isWhole) => this.#take(pieces, isWhole), onSignedOut: () => this.#refresh() });
  #latest = new Map(); // HTML by the name of the piece; null: the page has it no more
  #timer = null;
  #asking = false;
  #since = Date.now(); // when the figures were last known to be right
  #toldAt = Date.now(); // when the socket last told something

  constructor(element) {
    this.#element = element;
  }

  // Lifecycle

  start() {
    document.addEventListener("visibilitychange", () => this.#wake());
    this.#socket.start();
    this.#schedule();
  }

  // Internal

  #schedule() {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.#look(), INTERVAL_MS);
  }

  #wake() {
    this.#toldAt = Date.now(); // it was told that nobody looks, and said nothing
    this.#schedule();
  }

  #look() {
    if (Date.now() - this.#toldAt > SOCKET_PATIENCE_MS) this.#refresh();
    else this.#schedule();
  }

  /** What the socket tells: all pieces, or those that changed since it told last. */
  #take(pieces, isWhole) {
    this.#toldAt = this.#since = Date.now();
    const told = new Map(Object.entries(pieces));
    this.#latest = isWhole ? told : new Map([...this.#latest, ...told]);
    this.#show();
  }

  async #refresh() {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    try {
      this.#latest = await this.#fetch();
      this.#since = Date.now();
      this.#show();
      this.#schedule();
    } catch (error) {
      this.#complain(error instanceof SignedOut ? error.message : `Old: no answer for ${this.#age()} s.`);
      if (!(error instanceof SignedOut)) this.#schedule();
    } finally {
      this.#asking = false;
    }
  }

  async #fetch() {
    const options = { signal: AbortSignal.timeout(PATIENCE_MS), redirect: "manual" };
    const response = await fetch(location.pathname + location.search, options);
    if (response.type === "opaqueredirect" || response.status === 403) {
      throw new SignedOut("Old: you are signed out, or may not see this any more. Reload the page.");
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    const fresh = piecesOf(pageFrom(await response.text()));
    if (!fresh.size) throw new Error("the answer is something else");
    return fresh;
  }

  /** Replaces what changed. No control is in there but in rows, so focus and scrolling stay; nor is what is being selected. */
  #show() {
    const shown = [...this.#element.querySelectorAll("[data-live]")];
    const kept = shown.filter((piece) => typeof this.#latest.get(piece.dataset.live) === "string");
    for (const piece of kept) replace(piece, this.#latest.get(piece.dataset.live));
    const isSame = kept.length === shown.length && kept.length === this.#latest.size;
    this.#complain(isSame ? "" : OTHER_PARTS);
  }

  #complain(sentence) {
    const place = this.#element.querySelector("[data-staleness]");
    if (place.textContent !== sentence) place.textContent = sentence;
  }

  #age() {
    return Math.round((Date.now() - this.#since) / 1000);
  }
}

function piecesOf(root) {
  return new Map([...root.querySelectorAll("[data-live]")].map((piece) => [piece.dataset.live, piece.innerHTML]));
}

function replace(old, html) {
  const next = old.cloneNode(false);
  setHtml(next, html);
  if (old.innerHTML === next.innerHTML || isSelecting(old)) return;
  if ("keyed" in old.dataset) refreshRows(old, next);
  else old.replaceChildren(...next.childNodes);
}

function isSelecting(element) {
  const selection = document.getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}
