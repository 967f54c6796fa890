// Keeps the figures of an operators' page fresh while it is looked at.

import { refreshRows } from "./rows.js";

const INTERVAL_MS = 2000;
const PATIENCE_MS = 10_000; // with one answer

class SignedOut extends Error {}

export class Figures {
  #element;
  #timer = null;
  #asking = false;
  #since = Date.now(); // when the figures were last known to be right

  constructor(element) {
    this.#element = element;
  }

  // Lifecycle

  start() {
    document.addEventListener("visibilitychange", () => this.#wake());
    this.#schedule();
  }

  // Internal

  #schedule() {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.#refresh(), INTERVAL_MS);
  }

  #wake() {
    if (document.hidden) clearTimeout(this.#timer);
    else this.#refresh();
  }

  async #refresh() {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    try {
      this.#show(await this.#fetch());
      this.#since = Date.now();
      this.#complain("");
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
    return new DOMParser().parseFromString(await response.text(), "text/html");
  }

  /** Replaces what changed. No control is in there but in rows, so focus and scrolling stay; nor is what is being selected. */
  #show(fresh) {
    for (const old of this.#element.querySelectorAll("[data-live]")) {
      const next = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
      if (!next) throw new Error("the answer is something else");
      if (old.innerHTML === next.innerHTML || isSelecting(old)) continue;
      if ("keyed" in old.dataset) refreshRows(old, next);
      else old.replaceChildren(...next.childNodes);
    }
  }

  #complain(sentence) {
    const place = this.#element.querySelector("[data-staleness]");
    if (place.textContent !== sentence) place.textContent = sentence;
  }

  #age() {
    return Math.round((Date.now() - this.#since) / 1000);
  }
}

function isSelecting(element) {
  const selection = document.getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}
