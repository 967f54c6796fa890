const REFRESH_MS = 500;
const RATE_WINDOW_MS = 3000;
const ALMOST = 0.97; // of the track; the rest is for the end
const LONGEST_WAIT_MS = 3600_000; // more than this is a clock that is wrong

const SENTENCES = {
  sending: "Sending…",
  queued: "Waiting for a free place…",
  starting: "Starting…",
  waiting: "Waiting for the model…",
  thinking: "Thinking…",
  writing: "Writing…",
  resuming: "Picking the answer up again…",
  delayed: "The server is catching up, nothing is lost…",
  stopping: "Stopping…",
};

/** What is known of an answer on its way: phase, share of the expected length, tokens, speed, time. */
export class Progress {
  #element;
  #expected;
  #begunAt;
  #tokens = 0;
  #share = 0;
  #samples = []; // [time, tokens], of the last seconds
  #timer;

  constructor(element, { expected, acceptedAt }) {
    this.#element = element;
    this.#expected = expected;
    const waited = Date.now() - acceptedAt;
    this.#begunAt = waited > 0 && waited < LONGEST_WAIT_MS ? acceptedAt : Date.now();
    this.#timer = setInterval(() => this.show(), REFRESH_MS);
    this.show();
  }

  end() {
    clearInterval(this.#timer);
  }

  phase(name, model = "") {
    if (this.#element.dataset.phase === name) return;
    this.#element.dataset.phase = name;
    const status = this.#find("phase");
    status.textContent = SENTENCES[name] ?? SENTENCES.waiting;
    status.title = model;
  }

  tokens(count) {
    if (count <= this.#tokens) return;
    this.#tokens = count;
    this.#samples.push([Date.now(), count]);
  }

  /** One of several, in their order. */
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
    const bar = this.#find("bar");
    if (this.#tokens && this.#expected) this.#showShare(bar);
    this.#find("figures").textContent = this.#figures(now).join(" · ");
  }

  // Internal

  #showShare(bar) {
    this.#share = Math.max(this.#share, Math.min(ALMOST, this.#tokens / this.#expected));
    bar.setAttribute("aria-valuenow", Math.round(this.#share * 100));
    bar.style.setProperty("--share", this.#share);
    if (this.#isLonger) bar.setAttribute("aria-valuetext", "Longer than usual");
  }

  get #isLonger() {
    return this.#tokens > this.#expected * 1.1;
  }

  #figures(now) {
    const figures = [];
    if (this.#tokens) figures.push(`${this.#tokens.toLocaleString("en")} tokens`);
    const rate = this.#rate(now);
    if (rate) figures.push(`${rate}/s`);
    figures.push(`${Math.max(0, Math.floor((now - this.#begunAt) / 1000))} s`);
    if (this.#tokens && this.#expected && this.#isLonger) figures.push("longer than usual");
    return figures;
  }

  /** Tokens per second; the first sample is only the start, since it may be a whole answer that was sent again. */
  #rate(now) {
    const first = this.#samples[0];
    if (this.#samples.length < 2 || now - first[0] < REFRESH_MS) return 0;
    return Math.round(((this.#tokens - first[1]) / (now - first[0])) * 1000);
  }

  #find(name) {
    return this.#element.querySelector(`[data-${name}]`);
  }
}
