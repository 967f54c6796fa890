const WINDOW = 600; // code units of source searched for the next word: markup and skipped parts may precede it
const NAME = "low-confidence"; // of the highlight in stage.css
const WORD = /\S+/g;

/** Underlines passages of an answer without changing its elements. Offsets refer to `source`, its Markdown. */
export class LowConfidence {
  #ranges = new Map(); // by article

  static isSupported = "highlights" in CSS;

  /** Returns whether they are now underlined. */
  toggle(article, passages, source) {
    if (!this.#ranges.delete(article)) this.#ranges.set(article, rangesOf(article, passages, source));
    CSS.highlights.set(NAME, new Highlight(...[...this.#ranges.values()].flat()));
    return this.#ranges.has(article);
  }
}

/** Finds each word of the page in the source, in order, and returns ranges for the words that overlap a passage. */
function rangesOf(article, passages, source) {
  const ranges = [];
  let from = 0;
  for (const node of textNodes(article)) {
    for (const { 0: word, index } of node.data.matchAll(WORD)) {
      const at = source.indexOf(word, from);
      if (at < 0 || at > from + WINDOW) continue;
      from = at + word.length;
      for (const [start, end] of passages) {
        if (start < from && end > at) ranges.push(rangeIn(node, index + Math.max(0, start - at), index + Math.min(word.length, end - at)));
      }
    }
  }
  return ranges;
}

function* textNodes(article) {
  const shown = article.querySelector("[data-stage][data-shown]") ?? article;
  for (const block of shown.querySelectorAll("[data-part$='.text'] [data-block]")) {
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("button")) yield walker.currentNode;
  }
}

function rangeIn(node, start, end) {
  const range = document.createRange();
  range.setStart(node, start);
  range.setEnd(node, end);
  return range;
}
