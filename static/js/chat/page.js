import { elementFrom, pageFrom } from "../dom.js";

const SENTENCES = { done: "The answer is complete.", stopped: "The answer was stopped." };
const UNTITLED = "New chat";
export const DELETED = "This chat was deleted. Undo that, or start a new one.";

/** Everything around the transcript, for the chat. `parts` are elements, `tools` the objects that serve them. */
export class Page {
  #parts;
  #tools;
  #chat = null;
  #changes = 0; // number of events that changed the path

  constructor(parts, tools) {
    this.#parts = parts;
    this.#tools = tools;
    parts.deleted.querySelector("[data-undo]").addEventListener("click", () => this.undoDeletion());
  }

  attach(chat) {
    this.#chat = chat;
    this.#tools.sidebar.mark(chat.conversation);
    this.update();
  }

  /** Called when the chat's state has changed. Tests wait for the idle mark, set after the last text is shown. */
  update() {
    const { root, transcript, greeting } = this.#parts;
    const isBusy = this.#chat?.isBusy ?? false;
    this.#tools.composer.setBusy(isBusy);
    transcript.ariaBusy = String(isBusy);
    greeting.hidden = transcript.childElementCount > 0;
    if (isBusy) root.dataset.idle = "false";
    else this.#tools.frames.request(() => (root.dataset.idle = String(!this.#chat?.isBusy)));
  }

  /** Called when a new chat has got its URL. */
  moveTo(conversation, url) {
    history.pushState({}, "", url);
    this.#parts.main.dataset.conversation = conversation;
    this.#tools.draft.moveTo(conversation);
    this.#tools.sidebar.mark(conversation);
  }

  setTitle(conversation, title) {
    this.#tools.sidebar.retitle(conversation, title);
    if (conversation !== this.#chat.conversation) return;
    this.#parts.title.textContent = title || UNTITLED;
    document.title = `${title || UNTITLED} · Throughline`;
  }

  refreshSidebar() {
    this.#tools.sidebar.refreshSoon();
  }

  announceEnd(e) {
    this.announce(SENTENCES[e.status] ?? e.error);
    this.#tools.sidebar.refreshSoon();
  }

  refuse(sentence, text) {
    this.#tools.composer.refuse(sentence, text);
  }

  /** Called when the conversation was deleted elsewhere: prevents questions until it is restored. */
  showDeleted(canBeUndone) {
    this.#parts.deleted.hidden = false;
    this.#parts.deleted.querySelector("[data-undo]").hidden = !canBeUndone;
    this.#tools.composer.close(DELETED);
    this.announce("This chat was deleted.");
  }

  hideDeleted() {
    if (!this.isDeleted) return;
    this.#parts.deleted.hidden = true;
    this.#tools.composer.close("");
  }

  get isDeleted() {
    return !this.#parts.deleted.hidden;
  }

  async undoDeletion() {
    const error = await this.#tools.api.post(`/c/${this.#chat.conversation}/restore/`);
    if (error) this.#tools.toasts.show(error);
    else await this.#chat.restore();
  }

  /** Leaves the page after a sign-out or a change of account, so that nothing of this account stays on the screen. */
  async leave() {
    const { login } = this.#parts.main.dataset;
    const isSomebody = await this.#tools.api.isSignedIn(login);
    if (isSomebody) location.replace("/");
    else if (isSomebody === false) location.replace(`${login}?next=${encodeURIComponent(location.pathname)}`);
  }

  announceDelayedStop() {
    this.#tools.toasts.show("No connection. The answer will be stopped once it is back.");
  }

  offerReload() {
    this.#tools.toasts.show("Throughline has been updated. Reload the page to get the new version.");
  }

  announce(sentence) {
    this.#parts.announcer.textContent = "";
    this.#tools.frames.request(() => (this.#parts.announcer.textContent = sentence));
  }

  // Fetching pages

  async fetchArticle(url) {
    const html = await this.#tools.api.html(url);
    const article = html && elementFrom(html);
    return article?.dataset?.messageId ? article : null;
  }

  /** Called when an event has changed the path: pages that are being fetched may be older. */
  invalidateFetches() {
    this.#changes++;
  }

  /** Updates the whole path from the server's page. */
  async refresh() {
    if (this.#chat.conversation) await this.show(`/c/${this.#chat.conversation}/`);
  }

  /** Shows the path of another version of a message. */
  async switchTo(button) {
    const { version } = button.dataset;
    const at = [...this.#parts.transcript.children].indexOf(button.closest("article"));
    await this.show(button.formAction, {});
    const article = this.#parts.transcript.children[at];
    const next = article?.querySelector(`[data-version="${version}"]:enabled`) ?? article?.querySelector("[data-version]:enabled");
    next?.focus({ preventScroll: true });
  }

  async show(url, fields = null) {
    const changes = this.#changes;
    const html = await this.#tools.api.html(url, fields);
    const found = html && pageFrom(html).querySelector("[data-transcript]");
    if (!found) return;
    if (changes !== this.#changes) return this.refresh();
    this.#tools.transcript.showBelow(null, [...found.children].map((article) => document.adoptNode(article)));
    this.#chat.update();
  }
}
