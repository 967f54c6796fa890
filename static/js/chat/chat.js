import { Clicks } from "./clicks.js";
import { elementFrom } from "../dom.js";
import { Paints } from "../answer/paints.js";
import { event, protocolVersion } from "../protocol.js";
import { Stops } from "../connection/stops.js";
import { Watches } from "../connection/watches.js";

const UNKNOWN = "unknown_message"; // code of a refusal: what is asked for is gone for good

/** The conversation on the page: what the user does becomes commands, events become messages. */
export class Chat {
  #transcript;
  #page; // what is around the transcript
  #clicks;
  #paints;
  #watches;
  #wasGreeted = false;
  #stops;

  #handlers = {
    [event.hello]: (e) => this.#greet(e),
    [event.pong]: () => {},
    [event.refused]: (e) => this.#refuse(e),
    [event.pathChanged]: (e) => this.#changePath(e),
    [event.pathSwitched]: () => this.#page.refresh(),
    [event.conversationTitled]: (e) => this.#page.titled(e.conversation, e.title),
    [event.conversationDeleted]: (e) => this.#page.gone(e.undo ?? true),
    [event.conversationRestored]: () => this.restored(),
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

  constructor(conversation, { socket, transcript, page, wishes, storage }) {
    this.conversation = conversation;
    this.#transcript = transcript;
    this.#page = page;
    this.#clicks = new Clicks(conversation, { socket, transcript, wishes, storage });
    this.#paints = new Paints((report) => socket.send(report));
    this.#watches = new Watches(socket, transcript);
    this.#stops = new Stops(socket);
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

  /** What is on the page is another thing: what of it is unfinished is watched. */
  changed() {
    this.#watches.all();
    this.#page.changed();
  }

  async restored() {
    this.#page.back();
    await this.#page.refresh();
  }

  // Internal

  #stop(generation) {
    this.#transcript.answer(generation)?.stopping();
    if (!this.#stops.ask(generation)) this.#page.stopWaits();
  }

  async #greet(e) {
    if (e.protocol !== protocolVersion) this.#page.outdated();
    this.#clicks.resend();
    this.#stops.resend();
    this.#watches.begin();
    this.#page.back(); // what follows says so if it is still deleted
    if (e.title) this.#page.titled(e.conversation, e.title);
    if (this.#wasGreeted) this.#page.sidebarChanged();
    this.#wasGreeted = true;
    if (this.#transcript.isBehind(e)) await this.#page.refresh();
    this.changed();
  }

  #refuse(e) {
    const entry = this.#clicks.settle(e.request);
    const wasStop = this.#stops.settle(e.request);
    const wasWatch = !entry && !wasStop && e.code !== UNKNOWN && this.#transcript.answer(e.request);
    if (wasWatch) this.#watches.askLater(e.request);
    else if (entry || !this.#page.isGone) this.#page.refused(e.message, entry?.click.text ?? "");
    this.#page.changed();
  }

  async #changePath(e) {
    const entry = this.#clicks.settle(e.request);
    if (!this.conversation) this.#begin(e);
    const fresh = e.messages.map((message) => elementFrom(message.html));
    this.#page.pathChanged();
    if (this.#transcript.showBelow(e.parent ?? null, fresh)) this.#watches.isSent(e.generation);
    else await this.#page.refresh();
    const answer = this.#transcript.answer(e.generation);
    if (answer && entry?.since) this.#paints.await(e.generation, answer.element, entry.since);
    if (entry?.stop) this.#stop(e.generation);
    this.#page.titled(e.conversation, e.title);
    this.changed();
  }

  #begin(e) {
    this.conversation = e.conversation;
    this.#clicks.moveTo(e.conversation);
    this.#page.begun(e.conversation, e.url);
  }

  #pass(e) {
    if (this.#transcript.answer(e.generation)?.receive(e) === false) this.#watches.ask(e.generation);
  }

  #finish(e) {
    this.#stops.settle(e.generation);
    this.#pass(e);
    this.#page.finished(e);
    this.#page.changed();
  }

  /** The log does not have it any more; the database does, or there will be a new log. */
  async #resync(e) {
    const article = await this.#page.fetchArticle(e.url);
    const answer = this.#transcript.answer(e.generation);
    const { generation, state } = article?.dataset ?? {};
    if (article && (generation !== e.generation || !["queued", "streaming"].includes(state))) {
      this.#transcript.replace(article);
    } else if (answer && !answer.isFinal) {
      answer.forget();
      this.#watches.askLater(e.generation);
    }
    this.changed();
  }
}
