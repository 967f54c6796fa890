import { command } from "../protocol.js";

const LONGEST_MS = 3_600_000; // more is implausible
const TEXT = "[data-tail], [data-block]"; // the elements of an article that contain the answer's text

/** Reports when the first text of an answer requested in this tab was painted. `since` is performance.now(). */
export class PaintReports {
  #send;

  constructor(send) {
    this.#send = send;
  }

  /** Reports once the article has more text than now. */
  observe(generation, article, since) {
    const before = lengthOf(article);
    const observer = new MutationObserver(() => {
      if (lengthOf(article) <= before) return;
      observer.disconnect();
      this.#reportWhenPainted(generation, since);
    });
    observer.observe(article, { subtree: true, childList: true, characterData: true });
  }

  // Internal

  /** The second frame begins after the first one was painted. Hidden tabs are not painted. */
  #reportWhenPainted(generation, since) {
    if (document.hidden) return;
    requestAnimationFrame(() => requestAnimationFrame(() => this.#report(generation, since)));
  }

  #report(generation, since) {
    const afterMs = Math.round(performance.now() - since);
    if (!document.hidden && afterMs <= LONGEST_MS) this.#send({ type: command.painted, generation, afterMs });
  }
}

function lengthOf(article) {
  let length = 0;
  for (const place of article.querySelectorAll(TEXT)) length += place.textContent.trim().length;
  return length;
}
