import { about, phaseText } from "./phase_text.js";

const WRITES = ["thinking", "writing"]; // phases in which tokens arrive
const REFRESH_MS = 500;
const RATE_WINDOW_MS = 3000;
const MEASURED_MS = 1500; // of writing, before the remaining time is shown
const PAUSE_MS = 1500; // without a token: no speed until it is measured again
const SILENT_MS = 5000; // without a token: the answer no longer counts as being written
const LONGER = 1.1; // times the expected value
const ALMOST = 0.97; // maximum share of the bar until the answer ends
const LONGEST_WAIT_MS = 3600_000; // longer means that a clock is wrong

/** Shows an unfinished answer's phase, share of the expected length, tokens, speed and time. */
export class Progress {
  #element;
  #expected; // tokens; 0: unknown
  #usualS; // seconds from accepted to the last token; 0: unknown
  #begunAt;
  #phase;
  #tokens = 0;
  #share = 0;
  #samples = []; // [time, tokens] of the last seconds without a pause
  #heardAt = 0;
  #timer;

  constructor(element, { expectedTokens, expectedSeconds, acceptedAt }) {
    this.#element = element;
    this.#expect(expectedTokens, expectedSeconds);
    const waited = Date.now() - acceptedAt;
    this.#begunAt = waited > 0 && waited < LONGEST_WAIT_MS ? acceptedAt : Date.now();
    this.#timer = setInterval(() => this.show(), REFRESH_MS);
    this.show();
  }

  end() {
    clearInterval(this.#timer);
  }

  /** `details`: the server's event, if the phase comes from one. */
  phase(name, details = null) {
    if (this.#phase === name && !details) return;
    this.#phase = this.#element.dataset.phase = name;
    this.#heardAt = Date.now();
    if (details?.expectedTokens) this.#expect(details.expectedTokens, details.expectedSeconds);
    const [sentence, more] = phaseText(name, details ?? {});
    const status = this.#find("phase");
    if (status.textContent !== sentence) status.textContent = sentence; // setting it again would announce it again
    if (details?.model) status.title = details.model;
    this.#find("more").textContent = more;
  }

  tokens(count) {
    const now = Date.now();
    this.#heardAt = now;
    if (count <= this.#tokens) return;
    this.#tokens = count;
    if (this.#isPaused(now)) this.#samples = [];
    this.#samples.push([now, count]);
  }

  /** Updates one of several stages; `number` is its place in the list. */
  stage(number, label, status) {
    const list = this.#find("stages");
    list.hidden = false;
    while (list.children.length <= number) list.append(document.createElement("li"));
    list.children[number].textContent = label;
    list.children[number].dataset.status = status;
  }

  show() {
    const now = Date.now();
    while (this.#samples.length > 1 && now - this.#samples[0][0] > RATE_WINDOW_MS) this.#samples.shift();
    if (WRITES.includes(this.#phase) && now - this.#heardAt > SILENT_MS) this.phase("waiting");
    const bar = this.#find("bar");
    if (this.#tokens && this.#expected) this.#showShare(bar);
    this.#find("stats").textContent = this.#stats(now).join(" · ");
  }

  // Internal

  #showShare(bar) {
    this.#share = Math.max(this.#share, Math.min(ALMOST, this.#tokens / this.#expected));
    bar.setAttribute("aria-valuenow", Math.round(this.#share * 100));
    bar.style.setProperty("--share", this.#share);
    if (this.#isLonger) bar.setAttribute("aria-valuetext", "Longer than usual");
  }

  #expect(tokens, seconds) {
    this.#expected = tokens || 0;
    this.#usualS = seconds || 0;
  }

  get #isLonger() {
    return this.#expected > 0 && this.#tokens > this.#expected * LONGER;
  }

  #stats(now) {
    const seconds = Math.max(0, Math.floor((now - this.#begunAt) / 1000));
    const rate = this.#rate(now);
    const stats = [`${seconds} s`, this.#outlook(seconds, rate, now)];
    if (rate) stats.unshift(`${Math.round(rate)}/s`);
    if (this.#tokens) stats.unshift(`${this.#tokens.toLocaleString("en")} tokens`);
    return stats.filter(Boolean);
  }

  /** Returns the remaining or usual time if it can be estimated, or "". */
  #outlook(seconds, rate, now) {
    if (!this.#tokens) return this.#usualTime(seconds);
    if (this.#isLonger) return "longer than usual";
    const left = (this.#expected - this.#tokens) / rate; // not finite while there is no rate
    const isMeasured = rate > 0 && now - this.#samples[0][0] >= MEASURED_MS;
    return this.#phase === "writing" && isMeasured && left >= 1 ? `${about(left)} left` : "";
  }

  #usualTime(seconds) {
    if (!this.#usualS) return "";
    return seconds > this.#usualS * LONGER ? "longer than usual" : `usually ${about(this.#usualS)}`;
  }

  /** Returns tokens per second. The first sample is only the baseline, since it may be a whole answer sent again. */
  #rate(now) {
    const first = this.#samples[0];
    if (this.#samples.length < 2 || now - first[0] < REFRESH_MS || this.#isPaused(now)) return 0;
    return ((this.#tokens - first[1]) / (now - first[0])) * 1000;
  }

  #isPaused(now) {
    return this.#samples.length > 0 && now - this.#samples.at(-1)[0] > PAUSE_MS;
  }

  #find(name) {
    return this.#element.querySelector(`[data-${name}]`);
  }
}
