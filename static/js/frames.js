// Batches changes of the page into one pass per frame.

const WITHOUT_FRAMES_MS = 250; // hidden tabs get no frames, but their pages must still be updated

export class Frames {
  #jobs = new Set();
  #frame = 0;
  #timer = 0;

  /** Runs the job in the next pass, once however often it was requested. */
  request(job) {
    this.#jobs.add(job);
    if (this.#timer) return;
    this.#timer = setTimeout(() => this.flush(), WITHOUT_FRAMES_MS);
    this.#frame = requestAnimationFrame(() => this.flush());
  }

  flush() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#timer = 0;
    const jobs = [...this.#jobs];
    this.#jobs.clear();
    for (const job of jobs) job();
  }
}
