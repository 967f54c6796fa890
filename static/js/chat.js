import { Clicks } from "./clicks.js";
import { elementFrom } from "./dom.js";
import { Paints } from "./paints.js";
import { command, event, protocolVersion } from "./protocol.js";

const AGAIN_DELAY_MS = 2000; // before something is asked for that was not to be had
const UNKNOWN = "unknown_message"; // code of a refusal: what is asked for is gone for good

/** The conversation on the page: what the user does becomes commands, events become messages. */
export class Chat {
  #socket;
  #transcript;
  #page; // what is around the transcript
  #clicks;
  #paints;
  #stopping = new Set(); // generations; a stop may have to wait for a connection

  #handlers = {
    [event.hello]: (e) => this.#greet(e),
    [event.pong]: () => {},
    [event.refused]: (e) => this.#refuse(e),
    [event.pathChanged]: (e) => this.#changePath(e),
    [event.conversationTitled]: (e) => this.#page.titled(e.conversation, e.title),
    [event.sidebarChanged]: () => this.#page.sidebarChanged(),
    [event.phase]: (e) => this.#pass(e),
    [event.textDelta]: (e) => this.#pass(e),
    [event.blocksDone]: (e) => this.#pass(e),
    [event.tailRendered]: (e) => this.#pass(e),
    [event.partRestarted]: (e) => this.#pass(e),
    [event.notice]: (e) => this.#pass(e),
    [event.stage]: (e) => this.#pass(e),
    [event.answerFinished]: (e) => this.#finish(e),
    [event.resync]: (e) => this.#resync(e),
  };

  constructor(conversation, { socket, transcript, page, wishes }) {
    this.conversation = conversation;
    this.#socket = socket;
    this.#transcript = transcript;
    this.#page = page;
    this.#clicks = new Clicks(conversation, { socket, transcript, wishes });
    this.#paints = new Paints((report) => socket.send(report));
  }

  get isBusy() {
    return this.#clicks.areWaiting || this.#transcript.unfinished.length > 0;
  }

  // Actions

  send(text, edited = null) {
    this.#clicks.send(text, edited);
    this.#page.changed();
  }

  act(type, article, wishes = {}) {
    this.#clicks.act(type, article, wishes);
    this.#page.changed();
  }

  stop() {
    this.#clicks.stop();
    for (const answer of this.#transcript.unfinished) this.#stop(answer.generation);
  }

  receive(e) {
    const handle = this.#handlers[e.type];
    if (handle) handle(e);
    else console.warn("unknown event", e.type);
  }

  /** Ask for what the page lacks of every answer that it shows and that has not ended. */
  watchAll() {
    for (const answer of this.#transcript.unfinished) this.#watch(answer.generation);
  }

  // Internal

  #watch(generation) {
    const answer = this.#transcript.answer(generation);
    if (answer && !answer.isFinal) this.#socket.send({ type: command.watch, generation, ...answer.progress });
  }

  #stop(generation) {
    this.#stopping.add(generation);
    if (!this.#socket.send({ type: command.stop, generation })) this.#page.stopWaits();
  }

  async #greet(e) {
    if (e.protocol !== protocolVersion) this.#page.outdated();
    this.#clicks.resend();
    for (const generation of this.#stopping) this.#socket.send({ type: command.stop, generation });
    const isBehind = e.leaf && !this.#transcript.articles.some((article) => article.dataset.messageId === e.leaf);
    const unknown = (e.unfinished ?? []).some((generation) => !this.#transcript.answer(generation));
    if (isBehind || unknown) await this.#page.refresh();
    this.watchAll();
    this.#page.changed();
  }

  #refuse(e) {
    const entry = this.#clicks.settle(e.request);
    const wasStop = this.#stopping.delete(e.request);
    const wasWatch = !entry && !wasStop && e.code !== UNKNOWN && this.#transcript.answer(e.request);
    if (wasWatch) setTimeout(() => this.#watch(e.request), AGAIN_DELAY_MS);
    else this.#page.refused(e.message, entry?.click.text ?? "");
    this.#page.changed();
  }

  async #changePath(e) {
    const entry = this.#clicks.settle(e.request);
    if (!this.conversation) this.#begin(e);
    const fresh = e.messages.map((message) => elementFrom(message.html));
    if (!this.#transcript.showBelow(e.parent ?? null, fresh)) await this.#page.refresh();
    const answer = this.#transcript.answer(e.generation);
    if (answer && entry?.since) this.#paints.await(e.generation, answer.element, entry.since);
    if (entry?.stop) this.#stop(e.generation);
    this.#page.titled(e.conversation, e.title);
    this.#page.changed();
  }

  #begin(e) {
    this.conversation = e.conversation;
    this.#clicks.moveTo(e.conversation);
    this.#page.begun(e.conversation, e.url);
  }

  #pass(e) {
    if (this.#transcript.answer(e.generation)?.receive(e) === false) this.#watch(e.generation);
  }

  #finish(e) {
    this.#stopping.delete(e.generation);
    this.#pass(e);
    this.#page.finished(e);
    this.#page.changed();
  }

  /** The log does not have it any more; the database does, or there will be a new log. */
  async #resync(e) {
    const article = await this.#page.fetchArticle(e.url);
    const answer = this.#transcript.answer(e.generation);
    if (article && !["queued", "streaming"].includes(article.dataset.state)) {
      this.#transcript.replace(article);
    } else if (answer && !answer.isFinal) {
      answer.forget();
      setTimeout(() => this.#watch(e.generation), AGAIN_DELAY_MS);
    }
    this.#page.changed();
  }
}
