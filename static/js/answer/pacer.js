const HELD_MS = 350; // at most, and one frame: below 400 together
const SPREAD_MS = { least: 30, most: 250 }; // of one burst
const BURST_MS = 16; // what comes within a frame is one
const WEIGHT = 0.3; // of the latest gap between bursts, in their mean
const LEEWAY = 1.2; // a little of a burst is left when the next one comes, so that nothing stutters
const PAUSE_MS = 60; // at the end of a sentence
const SENTENCE_END = /[.!?…]["'”’)\]]*\s|[。！？]/g;
const OFF = { isOn: false };

/** How much of a part's text is visible: each burst is spread over the time to the next one. Lengths are code units. */
export class Pacer {
  #pace;
  #now;
  #length = 0; // that has arrived
  #shown = 0; // of it; may lie between two
  #bursts = []; // the latest ones: when each began, and the length with it
  #burstAt = 0;
  #spread = SPREAD_MS.least;
  #rate = 0; // per ms
  #lookedAt = 0;
  #pausedUntil = 0;
  #isOver = false;

  constructor(pace = OFF, now = () => performance.now()) {
    this.#pace = pace;
    this.#now = now;
  }

  // What happens to the text

  arrived(length) {
    if (length <= this.#length) return;
    const now = this.#now();
    if (this.#shown >= this.#length) this.#lookedAt = now;
    if (now - this.#burstAt >= BURST_MS || !this.#bursts.length) this.#beginBurst(now);
    this.#bursts.at(-1).length = this.#length = length;
    this.#rate = (length - this.#shown) / (LEEWAY * this.#spread);
  }

  /** All of it is visible at once. */
  skip(length) {
    this.#length = this.#shown = length;
    this.#bursts = [];
  }

  /** The answer has ended: nothing is held back any more. */
  end() {
    this.#isOver = true;
  }

  // What is seen of it

  /** The length that may be seen now: at least `floor`, and never less than before. */
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

  /** What has been held back for as long as it may be. */
  #overdue(now) {
    let length = 0;
    while (this.#bursts.length && this.#bursts[0].at <= now - HELD_MS) length = this.#bursts.shift().length;
    return length;
  }
}

const isHalfOfPair = (unit) => unit >= 0xd800 && unit < 0xdc00;

/** Where the first sentence ends between the two, with what follows; null if none does. */
function sentenceEnd(source, from, to) {
  SENTENCE_END.lastIndex = Math.max(0, Math.floor(from) - 4);
  for (let match = SENTENCE_END.exec(source); match; match = SENTENCE_END.exec(source)) {
    const end = match.index + match[0].length;
    if (end > to) return null;
    if (end > from && end < source.length) return end;
  }
  return null;
}
