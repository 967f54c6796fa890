// Updates an operators' or reviewers' page while it is visible: fetches its content (from the URL in `data-live-page`,
// or from the page itself), and replaces the elements that changed.

import { pageFrom, setHtml } from "./dom.js";

const INTERVAL_MS = 2000;
const TIMEOUT_MS = 10_000;
const OTHER_PARTS = "This page has new parts. Reload it to see them.";
const SIGNED_OUT = "Out of date: you are signed out, or may no longer see this. Reload the page.";
const ERASED = "This no longer exists: it was erased.";

/** The page cannot be fetched any more. */
class Ended extends Error {}

class LivePage {
  #element;
  #timer = null;
  #isFetching = false;
  #since = Date.now(); // when the page was last up to date

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

  /** Returns the fetched elements' HTML by name. */
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

  /** Only table rows contain controls, so focus and scroll position are kept. */
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

/** Replaces the element's content, unless the user is selecting it. */
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

/** Updates a table's rows by their keys. Unchanged cells are kept, with their focus and a click in progress. */
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
