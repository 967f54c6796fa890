import { elementFrom } from "../dom.js";
import { Outbox } from "./outbox.js";
import { PaintReports } from "../answer/paint_reports.js";
import { event, protocolVersion } from "../protocol.js";
import { Stops } from "../connection/stops.js";
import { Watches } from "../connection/watches.js";

const UNKNOWN = "unknown_message"; // error code: what was asked for no longer exists

/** The conversation on the page: turns the user's actions into commands, and events into messages. */
export class Chat {
  #transcript;
  #page; // everything around the transcript
  #outbox;
  #paintReports;
  #watches;
  #stops;
  #wasGreeted = false;

  #handlers = {
    [event.hello]: (e) => this.#greet(e),
    [event.pong]: () => {},
    [event.refused]: (e) => this.#refuse(e),
    [event.pathChanged]: (e) => this.#changePath(e),
    [event.pathSwitched]: () => this.#page.refresh(),
    [event.conversationTitled]: (e) => this.#page.setTitle(e.conversation, e.title),
    [event.conversationDeleted]: (e) => this.#page.showDeleted(e.undo ?? true),
    [event.conversationRestored]: () => this.restore(),
    [event.sidebarChanged]: () => this.#page.refreshSidebar(),
    [event.answerFinished]: (e) => this.#finish(e),
    [event.resync]: (e) => this.#resync(e),
  };

  constructor(conversation, { socket, transcript, page, options, storage }) {
    this.conversation = conversation;
    this.#transcript = transcript;
    this.#page = page;
    this.#outbox = new Outbox(conversation, { socket, transcript, options, storage });
    this.#paintReports = new PaintReports((report) => socket.send(report));
    this.#watches = new Watches(socket, transcript);
    this.#stops = new Stops(socket);
  }

  get isBusy() {
    return !this.#outbox.isEmpty || this.#transcript.unfinished.length > 0;
  }

  // Actions

  send(text, edited = null) {
    this.#outbox.send(text, edited);
    this.#page.update();
  }

  act(type, article, fields = {}) {
    this.#outbox.act(type, article, fields);
    this.#page.update();
  }

  stop() {
    this.#outbox.stopAll();
    for (const answer of this.#transcript.unfinished) this.#stop(answer.generation);
  }

  receive(e) {
    const handle = this.#handlers[e.type];
    if (handle) handle(e);
    else if (e.generation) this.#forward(e);
    else console.warn("unknown event", e.type);
  }

  /** Called when the transcript has changed: watches its unfinished answers. */
  update() {
    this.#watches.watchAll();
    this.#page.update();
  }

  async restore() {
    this.#page.hideDeleted();
    await this.#page.refresh();
  }

  // Internal

  #stop(generation) {
    this.#transcript.answer(generation)?.showStopping();
    if (!this.#stops.stop(generation)) this.#page.announceDelayedStop();
  }

  async #greet(e) {
    if (e.protocol !== protocolVersion) this.#page.offerReload();
    this.#outbox.resend();
    this.#stops.resend();
    this.#watches.restart();
    this.#page.hideDeleted(); // an event follows if it is still deleted
    if (e.title) this.#page.setTitle(e.conversation, e.title);
    if (this.#wasGreeted) this.#page.refreshSidebar();
    this.#wasGreeted = true;
    if (this.#transcript.isBehind(e)) await this.#page.refresh();
    this.update();
  }

  #refuse(e) {
    const entry = this.#outbox.settle(e.request);
    const wasStop = this.#stops.settle(e.request);
    const wasWatch = !entry && !wasStop && e.code !== UNKNOWN && this.#transcript.answer(e.request);
    if (wasWatch) this.#watches.watchLater(e.request);
    else if (entry || !this.#page.isDeleted) this.#page.refuse(e.message, entry?.click.text ?? "");
    this.#page.update();
  }

  async #changePath(e) {
    const entry = this.#outbox.settle(e.request);
    if (!this.conversation) this.#begin(e);
    const fresh = e.messages.map((message) => elementFrom(message.html));
    this.#page.invalidateFetches();
    if (this.#transcript.showBelow(e.parent ?? null, fresh)) this.#watches.markWatched(e.generation);
    else await this.#page.refresh();
    const answer = this.#transcript.answer(e.generation);
    if (answer && entry?.since) this.#paintReports.observe(e.generation, answer.element, entry.since);
    if (entry?.stop) this.#stop(e.generation);
    this.#page.setTitle(e.conversation, e.title);
    this.update();
  }

  /** Called when a new chat has got its URL. */
  #begin(e) {
    this.conversation = e.conversation;
    this.#outbox.moveTo(e.conversation);
    this.#page.moveTo(e.conversation, e.url);
  }

  #forward(e) {
    if (this.#transcript.answer(e.generation)?.receive(e) === false) this.#watches.watch(e.generation);
  }

  #finish(e) {
    this.#stops.settle(e.generation);
    this.#forward(e);
    this.#page.announceEnd(e);
    this.#page.update();
  }

  /** The stream log no longer has the answer; the database has it, or there will be a new log. */
  async #resync(e) {
    const article = await this.#page.fetchArticle(e.url);
    const answer = this.#transcript.answer(e.generation);
    const { generation, state } = article?.dataset ?? {};
    if (article && (generation !== e.generation || !["queued", "streaming"].includes(state))) {
      this.#transcript.replace(article);
    } else if (answer && !answer.isFinal) {
      answer.reset();
      this.#watches.watchLater(e.generation);
    }
    this.update();
  }
}
