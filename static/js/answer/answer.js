import { setHtml } from "../dom.js";
import { Parts } from "./parts.js";
import { Progress } from "./progress.js";
import { event } from "../protocol.js";

const FINAL = ["done", "stopped", "failed"];
const FIRST_PHASE = { pending: "sending", queued: "queued", streaming: "waiting" };

/** One answer on the page: folds its events into its article. */
export class Answer {
  #parts;
  #frames;
  #position = ""; // of the last event that changed the text
  #progress = null;
  #lacksText = false; // the whole text was requested again
  #show = () => this.#parts.show() && this.#frames.request(this.#show);

  #handlers = {
    [event.phase]: (e) => this.#enterPhase(e),
    [event.textDelta]: (e) => this.#append(e),
    [event.blocksDone]: (e) => this.#parts.get(e.part).addBlocks(e.first, e.html, e.upto),
    [event.tailRendered]: (e) => this.#parts.get(e.part).renderTail(e.html, e.upto),
    [event.partRestarted]: (e) => this.#restart(e),
    [event.notice]: (e) => this.#showLine("notice", e.message),
    [event.stage]: (e) => this.#updateStage(e),
    [event.answerFinished]: (e) => this.#finish(e),
  };

  constructor(element, { forms, frames, pace }) {
    this.element = element;
    this.#parts = new Parts(element.querySelector("[data-parts]"), forms, pace);
    this.#frames = frames;
    if (!this.isFinal) this.#begin();
  }

  // State

  get generation() {
    return this.element.dataset.generation;
  }

  get state() {
    return this.element.dataset.state;
  }

  get isFinal() {
    return FINAL.includes(this.state);
  }

  get source() {
    return this.#parts.source;
  }

  /** What the page has, as fields of a watch command. */
  get progress() {
    return { position: this.#position, seen: this.#parts.seen };
  }

  // Actions

  /** Returns false if text before this event is missing; the answer is then empty and must be requested again. */
  receive(e) {
    if (this.isFinal || (this.#lacksText && e.type !== event.textDelta)) return true;
    if (this.#handlers[e.type]?.(e) !== false) {
      this.#frames.request(this.#show);
      return true;
    }
    if (this.#lacksText) return true;
    this.reset();
    return false;
  }

  reset() {
    this.#lacksText = true;
    this.#position = "";
    this.#parts.restart();
    this.#frames.request(this.#show);
  }

  /** Takes over the article that this one continues. */
  adopt(earlier) {
    this.#parts.adopt(earlier.element, earlier.source);
    this.#parts.show();
  }

  /** Sets the state while the answer is being requested, and resets it if the request failed. */
  setState(state) {
    this.element.dataset.state = state;
    this.end();
    if (!this.isFinal) this.#begin();
  }

  /** Shows that the user stopped it; text that still arrives replaces that until the worker has stopped. */
  showStopping() {
    this.#progress?.phase("stopping");
  }

  end() {
    this.#progress?.end();
    this.#progress = null;
  }

  // Internal

  #begin() {
    const { expectedTokens, expectedSeconds, accepted } = this.element.dataset;
    this.#progress = new Progress(this.element.querySelector("[data-progress]"), {
      expectedTokens: Number(expectedTokens),
      expectedSeconds: Number(expectedSeconds),
      acceptedAt: accepted && this.state !== "pending" ? Date.parse(accepted) : Date.now(),
    });
    this.#progress.phase(FIRST_PHASE[this.state]);
  }

  #enterPhase(e) {
    this.element.dataset.state = e.phase === "queued" ? "queued" : "streaming";
    this.#progress.phase(e.phase, e);
  }

  #append(e) {
    if (!this.#parts.get(e.part).append(e.at, e.text)) return false;
    this.#lacksText = false;
    this.#position = e.position;
    this.element.dataset.state = "streaming";
    this.#progress.tokens(e.tokens);
    this.#progress.phase(e.part.endsWith(".thinking") ? "thinking" : "writing");
    return true;
  }

  #updateStage(e) {
    this.#parts.updateStage(e.stage, e.label, e.status);
    this.#progress.stage(e.stage, e.label, e.status);
  }

  #restart(e) {
    this.#parts.get(e.part).restart();
    this.#position = e.position;
  }

  #finish(e) {
    this.#parts.finish(e.status, e.html ?? {});
    setHtml(this.element.querySelector("[data-footer]"), e.footer ?? "");
    this.#showLine("error", e.error ?? "");
    this.element.dataset.state = e.status;
    this.end();
  }

  #showLine(name, sentence) {
    const line = this.element.querySelector(`[data-${name}]`);
    line.textContent = sentence;
    line.hidden = !sentence;
  }
}
