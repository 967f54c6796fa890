import { morph } from "./morph.js";

// Blocks that may be open: text that follows the rendered tail belongs at the end of the last one.
const OPEN_BLOCKS = "p, h1, h2, h3, h4, h5, h6, ul, ol, li, blockquote, .code, pre, pre > code";

// A line that may become a list, a heading, code or mathematics: shown raw, it would disappear again.
const UNDECIDED = /^[-+*=_~`#>|:$\\[\]\d.)\s]*$/;

/** What follows a part's finished blocks: the rendered tail, and the text that has arrived since. */
export class OpenTail {
  #element;
  #renderings = []; // not in the DOM yet: [HTML, length of source that it covers]
  #html = ""; // the rendering in the DOM
  #begin = 0; // length of source in the blocks before it
  #isHeldBack = false; // until the next rendering: only that can place what follows
  #rest = null; // the text node after the rendering
  #upto = 0; // length of source in the DOM

  constructor(element) {
    this.#element = element;
  }

  /** Begins a new tail after blocks that cover the source up to `upto`. */
  reset(upto, html = "") {
    this.#renderings = [[html, upto]];
    this.#begin = upto;
  }

  render(html, upto) {
    this.#renderings.push([html, upto]);
  }

  /** Moves to another element: the old one now holds a finished block. */
  moveTo(element) {
    this.#element = element;
    this.#rest = null;
  }

  /** Shows the tail, but nothing of the source after `visible`. */
  show(source, visible) {
    this.#showRendering(source, visible);
    const end = this.#decided(source, visible);
    if (!this.#rest) this.#openRest(source, end);
    this.#rest?.appendData(source.slice(this.#upto, end));
    this.#upto = Math.max(this.#upto, end);
  }

  // Internal

  /** Returns how much of the source may be shown unrendered. */
  #decided(source, visible) {
    if (this.#isHeldBack) return this.#upto;
    const text = source.slice(this.#upto, visible);
    const line = text.lastIndexOf("\n") + 1;
    const isLineBegun = line > 0 || (!this.#html && !this.#rest);
    return isLineBegun && UNDECIDED.test(text.slice(line)) ? this.#upto + line : visible;
  }

  #showRendering(source, visible) {
    const newest = this.#renderings.findLastIndex(([, upto]) => upto <= visible);
    if (newest < 0) return;
    [this.#html, this.#upto] = this.#renderings[newest];
    this.#renderings.splice(0, newest + 1);
    morph(this.#element, this.#html);
    const isInvisible = !this.#html && /\S/.test(source.slice(this.#begin, this.#upto));
    this.#isHeldBack = isInvisible || Boolean(this.#element.lastElementChild?.matches(".table"));
    this.#rest = null;
  }

  #openRest(source, visible) {
    if (!this.#html) this.#upto += /^\s*/.exec(source.slice(this.#upto, visible))[0].length;
    if (this.#upto === visible) return;
    const holder = document.createElement("span");
    holder.className = "rest";
    let place = this.#element;
    while (place.lastElementChild?.matches(OPEN_BLOCKS) && !place.lastElementChild.nextSibling?.data?.trim()) {
      place = place.lastElementChild;
    }
    const before = source[this.#upto - 1];
    if (place.matches("code")) {
      if (before !== "\n") cutLineEnd(place);
    } else if (place !== this.#element && /\s/.test(before)) {
      holder.append(before);
    }
    this.#rest = holder.appendChild(document.createTextNode(""));
    place.append(holder);
  }
}

/** Removes the line end that rendered code has after its last line, which may still grow. */
function cutLineEnd(code) {
  let last = code;
  while (last.lastChild) last = last.lastChild;
  if (last.data?.endsWith("\n")) last.data = last.data.slice(0, -1);
}
