import { keepingFocus } from "../dom.js";
import { HeightLock } from "./height_lock.js";
import { morph } from "./morph.js";
import { OpenTail } from "./open_tail.js";
import { Pacer } from "./pacer.js";
import { keepingSelection } from "./selection.js";

/**
 * One part of an answer: its source, its finished blocks, and its open tail.
 * Events change the state; `show` updates the DOM from it, once per frame. Lengths are code units.
 */
export class Part {
  source = "";
  #element;
  #place; // the tail's element
  #tail;
  #blocks = []; // wrappers
  #fresh = []; // HTML of finished blocks that are not in the DOM yet
  #upto = 0; // length of source in finished blocks
  #pacer;
  #heightLock; // not for thinking, which readers fold

  constructor(element, pacer = new Pacer()) {
    this.#element = element;
    this.#pacer = pacer;
    this.#place = element.querySelector(":scope > [data-tail]");
    this.#tail = new OpenTail(this.#place);
    if (!element.matches("details")) this.#heightLock = new HeightLock(element);
  }

  /** Continues a finished part: its last block is open again. */
  static reopened(element, source, pacer) {
    const part = new Part(element, pacer);
    part.source = source;
    pacer.skip(source.length);
    part.#blocks = [...element.querySelectorAll(":scope > [data-block]")];
    const open = part.#blocks.pop();
    part.#tail.reset(open ? source.length : 0, open?.innerHTML);
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

  /** Returns false if text is missing before `at`. */
  append(at, text) {
    if (at > this.source.length) return false;
    this.source += text.slice(this.source.length - at);
    this.#pacer.arrived(this.source.length);
    return true;
  }

  /** Returns false if earlier blocks are missing. */
  addBlocks(first, html, upto) {
    if (first > this.blockCount) return false;
    this.#fresh.push(...html.slice(this.blockCount - first));
    if (upto > this.#upto) {
      this.#upto = upto;
      this.#tail.reset(upto);
    }
    return true;
  }

  renderTail(html, upto) {
    if (upto >= this.#upto && upto <= this.source.length) this.#tail.render(html, upto);
  }

  restart() {
    for (const block of this.#blocks) block.remove();
    this.source = "";
    this.#blocks = [];
    this.#fresh = [];
    this.#upto = 0;
    this.#tail.reset(0);
    this.#pacer.skip(0);
    this.#heightLock?.release();
  }

  /** Stops holding back text. */
  end() {
    this.#pacer.end();
    this.#heightLock?.end();
  }

  /** Called when the answer has ended: updates blocks that differ (index → HTML, "" removes it), drops the tail. */
  finish(different) {
    this.show();
    const gone = [];
    for (const [index, html] of Object.entries(different)) {
      if (!html) gone.push(this.#blocks[index]);
      else if (this.#blocks[index]) this.#change(() => morph(this.#blocks[index], html));
      else this.#fresh.push(html);
    }
    for (const block of gone) block?.remove();
    this.#blocks = this.#blocks.filter((block) => !gone.includes(block));
    this.#upto = this.source.length;
    this.#tail.reset(this.#upto);
    this.show();
  }

  // The DOM

  /** Returns true if arrived text is held back, so that `show` must be called again in the next frame. */
  show() {
    const visible = Math.max(this.#upto, this.#pacer.visible(this.source, this.#upto));
    this.#change(() => {
      for (const html of this.#fresh) this.#finishBlock(html);
      this.#fresh = [];
      this.#tail.show(this.source, visible);
    });
    return visible < this.source.length;
  }

  // Internal

  #change(change) {
    keepingFocus(this.#element, () => keepingSelection(this.#element, change));
  }

  /** Turns the tail's element into the block's, since the open text is what is finished now. */
  #finishBlock(html) {
    const block = this.#place;
    this.#place = block.cloneNode();
    block.after(this.#place);
    this.#tail.moveTo(this.#place);
    morph(block, html);
    block.removeAttribute("data-tail");
    block.dataset.block = "";
    this.#blocks.push(block);
  }
}
