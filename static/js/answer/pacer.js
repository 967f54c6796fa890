const HELD_MS = 350; // maximum delay; with one frame, below 400
const SPREAD_MS = { least: 30, most: 250 }; // over which one burst is spread
const BURST_MS = 16; // text that arrives within a frame is one burst
const WEIGHT = 0.3; // of the latest gap between bursts, in their moving mean
const LEEWAY = 1.2; // leaves some of a burst for when the next one arrives, so that nothing stutters
const PAUSE_MS = 60; // at the end of a sentence
const SENTENCE_END = /[.!?…]["'”’)\]]*\s|[。！？]/g;
const OFF = { isOn: false };

/** Decides how much of a part's text is visible: spreads bursts over the time to the next. Lengths are code units. */
export class Pacer {
  #pace;
  #now;
  #length = 0; // arrived
  #shown = 0; // visible; may be fractional
  #bursts = []; // the latest ones: when each began, and the length including it
  #burstAt = 0;
  #spread = SPREAD_MS.least;
  #rate = 0; // code units per ms
  #lookedAt = 0;
  #pausedUntil = 0;
  #isOver = false;

  constructor(pace = OFF, now = () => performance.now()) {
    this.#pace = pace;
    this.#now = now;
  }

  // Changes of the text

  arrived(length) {
    if (length <= this.#length) return;
    const now = this.#now();
    if (this.#shown >= this.#length) this.#lookedAt = now;
    if (now - this.#burstAt >= BURST_MS || !this.#bursts.length) this.#beginBurst(now);
    this.#bursts.at(-1).length = this.#length = length;
    this.#rate = (length - this.#shown) / (LEEWAY * this.#spread);
  }

  /** Makes all of it visible at once. */
  skip(length) {
    this.#length = this.#shown = length;
    this.#bursts = [];
  }

  /** Called when the answer has ended: nothing is held back any more. */
  end() {
    this.#isOver = true;
  }

  // Visibility

  /** Returns the visible length: at least `floor`, and never less than before. */
  visible(source, floor) {
    if (this.#isOver || !this.#pace.isOn) this.skip(source.length);
    else this.#goOn(source, floor, this.#now());
    const cut = Math.floor(this.#shown);
    return cut < source.length && isHalfOfPair(source.charCodeAt(cut - 1)) ? cut - 1 : cut;
  }

  // Internal

  #beginBurst(now) {
    const gap = Math.min(now - this.#burstAt, SPREAD_MS.most);
    this.#spread = Math.max(SPREAD_MS.least, this.#spread + WEIGHT * (gap - this.#spread));
    this.#burstAt = now;
    this.#bursts.push({ at: now, length: this.#length });
  }

  #goOn(source, floor, now) {
    const from = Math.max(this.#shown, floor, this.#overdue(now));
    const passed = Math.max(0, now - Math.max(this.#lookedAt, this.#pausedUntil));
    const to = Math.min(source.length, from + this.#rate * passed);
    const end = sentenceEnd(source, from, to);
    if (end) this.#pausedUntil = now + PAUSE_MS;
    this.#shown = end ?? to;
    this.#lookedAt = now;
  }

  /** Returns the length that has been held back for the maximum time. */
  #overdue(now) {
    let length = 0;
    while (this.#bursts.length && this.#bursts[0].at <= now - HELD_MS) length = this.#bursts.shift().length;
    return length;
  }
}

const isHalfOfPair = (unit) => unit >= 0xd800 && unit < 0xdc00;

/** Returns where the first sentence between the two ends, including the space after it; null if none does. */
function sentenceEnd(source, from, to) {
  SENTENCE_END.lastIndex = Math.max(0, Math.floor(from) - 4);
  for (let match = SENTENCE_END.exec(source); match; match = SENTENCE_END.exec(source)) {
    const end = match.index + match[0].length;
    if (end > to) return null;
    if (end > from && end < source.length) return end;
  }
  return null;
}
