// Keeps a page of operators or reviewers fresh while it is visible: fetches its content (from `data-live-page`, if that is
// not the page itself), and replaces the elements that changed.

import { pageFrom, setHtml } from "./dom.js";

const INTERVAL_MS = 2000;
const TIMEOUT_MS = 10_000;
const OTHER_PARTS = "This page has new parts. Reload it to see them.";
const SIGNED_OUT = "Out of date: you are signed out, or may no longer see this. Reload the page.";
const ERASED = "This no longer exists: it was erased.";

/** There is nothing more to fetch. */
class Ended extends Error {}

class LivePage {
  #element;
  #timer = null;
  #isFetching = false;
  #since = Date.now(); // when the page was last known to be right

  constructor(element) {
    this.#element = element;
  }

  // Lifecycle

  start() {
    document.addEventListener("visibilitychange", () => this.#schedule());
    this.#schedule();
  }

  // Internal

  #schedule() {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.#refresh(), INTERVAL_MS);
  }

  async #refresh() {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      this.#show(await this.#fetch());
      this.#since = Date.now();
      this.#schedule();
    } catch (error) {
      const age = Math.round((Date.now() - this.#since) / 1000);
      this.#warn(error instanceof Ended ? error.message : `Out of date: no answer for ${age} s.`);
      if (!(error instanceof Ended)) this.#schedule();
    } finally {
      this.#isFetching = false;
    }
  }

  /** The fresh elements, by name. */
  async #fetch() {
    const response = await fetch(this.#element.dataset.livePage || location.pathname + location.search, {
      headers: { "X-Fragment": "1" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "manual",
    });
    if (response.type === "opaqueredirect" || response.status === 403) throw new Ended(SIGNED_OUT);
    if (response.status === 404) throw new Ended(ERASED);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const fresh = pageFrom(await response.text()).querySelectorAll("[data-live]");
    if (!fresh.length) throw new Error("the answer is something else");
    return new Map([...fresh].map((piece) => [piece.dataset.live, piece.innerHTML]));
  }

  /** No control is in there but in rows, so focus and scrolling stay. */
  #show(fresh) {
    const shown = [...this.#element.querySelectorAll("[data-live]")];
    const kept = shown.filter((piece) => fresh.has(piece.dataset.live));
    for (const piece of kept) replace(piece, fresh.get(piece.dataset.live));
    const isSame = kept.length === shown.length && kept.length === fresh.size;
    this.#warn(isSame ? "" : OTHER_PARTS);
  }

  #warn(sentence) {
    const place = this.#element.querySelector("[data-staleness]");
    if (place.textContent !== sentence) place.textContent = sentence;
  }
}

/** What is being selected stays. */
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

/** Bring a table's rows up to date by their keys. A cell that stays the same stays, with its focus and a click on it. */
function refreshRows(body, fresh) {
  const shown = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const wanted = [...fresh.children].map((row) => refreshed(shown.get(row.dataset.key), row));
  for (const row of shown.values()) if (!wanted.includes(row)) row.remove();
  wanted.forEach((row, at) => {
    if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
  });
}

function refreshed(old, row) {
  if (!old || old.cells.length !== row.cells.length) return row;
  [...row.cells].forEach((cell, at) => {
    if (old.cells[at].innerHTML !== cell.innerHTML) old.cells[at].replaceWith(cell);
  });
  return old;
}

const element = document.querySelector("[data-live-page]");
if (element) new LivePage(element).start();
