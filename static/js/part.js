import { keepingFocus, setHtml } from "./dom.js";

// Where text that follows the rendered tail belongs: at the end of its last open block.
const OPEN_BLOCKS = "p, h1, h2, h3, h4, h5, h6, ul, ol, li, blockquote, .code, pre, pre > code";

/**
 * One part of an answer: its source, its finished blocks, and its open tail.
 * Events change what is known; `show` brings the DOM up to it, once per frame. Lengths count code units.
 */
export class Part {
  source = "";
  #element;
  #tail;
  #blocks = []; // wrappers
  #fresh = []; // HTML of finished blocks that are not in the DOM yet
  #upto = 0; // what of the source is in finished blocks
  #tailHtml = ""; // of what follows them, up to
  #tailUpto = 0;
  #tailStale = false;
  #rest = null; // the text node with what follows that
  #restUpto = 0;

  constructor(element) {
    this.#element = element;
    this.#tail = element.querySelector(":scope > [data-tail]");
  }

  /** Go on from a finished part: its last block is open again. */
  static reopened(element, source) {
    const part = new Part(element);
    part.source = source;
    part.#blocks = [...element.querySelectorAll(":scope > [data-block]")];
    const open = part.#blocks.pop();
    part.#setTail(open?.innerHTML ?? "", open ? source.length : 0);
    open?.remove();
    return part;
  }

  get element() {
    return this.#element;
  }

  get seen() {
    return [this.source.length, this.blockCount];
  }

  get blockCount() {
    return this.#blocks.length + this.#fresh.length;
  }

  // Events

  /** False if text is missing before `at`. */
  append(at, text) {
    if (at > this.source.length) return false;
    this.source += text.slice(this.source.length - at);
    return true;
  }

  /** False if earlier blocks are missing. */
  addBlocks(first, html, upto) {
    if (first > this.blockCount) return false;
    this.#fresh.push(...html.slice(this.blockCount - first));
    if (upto > this.#upto) {
      this.#upto = upto;
      this.#setTail("", upto);
    }
    return true;
  }

  renderTail(html, upto) {
    if (upto >= this.#upto && upto <= this.source.length) this.#setTail(html, upto);
  }

  restart() {
    for (const block of this.#blocks) block.remove();
    this.source = "";
    this.#blocks = [];
    this.#fresh = [];
    this.#upto = 0;
    this.#setTail("", 0);
  }

  /** The answer has ended: put in the blocks that differ (by index; an empty one goes), and drop the tail. */
  finish(different) {
    this.show();
    const gone = [];
    for (const [index, html] of Object.entries(different)) {
      if (!html) gone.push(this.#blocks[index]);
      else if (this.#blocks[index]) keepingFocus(this.#blocks[index], () => setHtml(this.#blocks[index], html));
      else this.#fresh.push(html);
    }
    for (const block of gone) block?.remove();
    this.#blocks = this.#blocks.filter((block) => !gone.includes(block));
    this.#upto = this.source.length;
    this.#setTail("", this.#upto);
    this.show();
  }

  // The DOM

  show() {
    for (const html of this.#fresh) this.#tail.before(this.#wrapper(html));
    this.#fresh = [];
    if (this.#tailStale) this.#showTail();
    if (!this.#rest) this.#openRest();
    this.#rest?.appendData(this.source.slice(this.#restUpto));
    this.#restUpto = this.source.length;
  }

  // Internal

  #setTail(html, upto) {
    this.#tailHtml = html;
    this.#tailUpto = upto;
    this.#tailStale = true;
  }

  #showTail() {
    keepingFocus(this.#element, () => setHtml(this.#tail, this.#tailHtml));
    this.#tailStale = false;
    this.#rest = null;
    this.#restUpto = this.#tailUpto;
  }

  #openRest() {
    if (!this.#tailHtml) this.#restUpto += /^\s*/.exec(this.source.slice(this.#restUpto))[0].length;
    if (this.#restUpto === this.source.length) return;
    const holder = document.createElement("span");
    holder.className = "rest";
    let place = this.#tail;
    while (place.lastElementChild?.matches(OPEN_BLOCKS) && !place.lastElementChild.nextSibling?.data?.trim()) {
      place = place.lastElementChild;
    }
    const breaks = place !== this.#tail && !place.matches("code") && this.source[this.#restUpto - 1] === "\n";
    this.#rest = holder.appendChild(document.createTextNode(breaks ? "\n" : ""));
    place.append(holder);
  }

  #wrapper(html) {
    const wrapper = document.createElement("div");
    wrapper.dataset.block = "";
    wrapper.dir = "auto";
    setHtml(wrapper, html);
    this.#blocks.push(wrapper);
    return wrapper;
  }
}
