import { keepingFocus, setHtml } from "../dom.js";
import { EntryMenu } from "./entry_menu.js";
import { TitleEditor } from "./title_editor.js";

const REFRESH_DELAY_MS = 250; // after a key or an event, so that several cause one request

/** The list of conversations: search, rename, pin, delete. */
export class Sidebar {
  #list;
  #search;
  #api;
  #toasts;
  #onDeleted;
  #menu;
  #current = "";
  #limit = ""; // how many to list; "": the server's default
  #timer = 0;
  #asked = 0; // number of the latest request: late responses to earlier ones are dropped
  #isEditing = false;

  constructor({ list, search, menu }, { api, toasts, onDeleted }) {
    this.#list = list;
    this.#search = search;
    this.#api = api;
    this.#toasts = toasts;
    this.#onDeleted = onDeleted;
    this.#menu = new EntryMenu(menu, { onChoice: (choice, entry) => this.#choose(choice, entry) });
    search.addEventListener("input", () => {
      this.#limit = "";
      this.refreshSoon();
    });
    list.addEventListener("click", (e) => {
      const button = e.target.closest("[data-more]");
      if (button) this.#menu.open(button.closest("[data-entry]"), button);
      const older = e.target.closest("[data-older]");
      if (older) this.#showMore(older.dataset.older);
    });
  }

  // Actions

  /** Marks the conversation that is on the page. */
  mark(conversation) {
    this.#current = conversation;
    for (const entry of this.#list.querySelectorAll("[data-entry]")) {
      const link = entry.querySelector("a");
      if (entry.dataset.entry === conversation) link.ariaCurrent = "page";
      else link.removeAttribute("aria-current");
    }
  }

  refreshSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), REFRESH_DELAY_MS);
  }

  async refresh() {
    const asked = ++this.#asked;
    const params = new URLSearchParams({ q: this.#search.value, limit: this.#limit });
    const html = await this.#api.html(`${this.#list.dataset.url}?${params}`);
    if (html === null || asked !== this.#asked || this.#isEditing) return;
    const focused = document.activeElement?.closest("[data-entry]")?.dataset.entry;
    keepingFocus(this.#list, () => setHtml(this.#list, html));
    if (focused) this.#entry(focused)?.querySelector("a").focus({ preventScroll: true });
    this.mark(this.#current);
  }

  retitle(conversation, title) {
    const shown = this.#entry(conversation)?.querySelector("[data-title]");
    if (shown) shown.textContent = title;
  }

  rename(entry) {
    this.#isEditing = true;
    new TitleEditor(entry, {
      onSave: (title) => {
        this.retitle(entry.dataset.entry, title);
        this.#post(entry, "rename", { title });
      },
      onEnd: () => {
        this.#isEditing = false;
        this.refreshSoon(); // the list may have changed meanwhile
      },
    });
  }

  pin(entry) {
    this.#post(entry, "pin", { pinned: "pinned" in entry.dataset ? 0 : 1 });
  }

  async delete(entry) {
    const title = entry.querySelector("[data-title]").textContent;
    if (!(await this.#post(entry, "delete"))) return;
    if (entry.dataset.entry === this.#current) this.#onDeleted(this.#url(entry), title);
    else this.offerUndo(this.#url(entry), title);
  }

  /** `onUndone` is called instead of refreshing the list. */
  offerUndo(url, title, onUndone = null) {
    this.#toasts.show(`Deleted “${title}”`, async () => {
      const error = await this.#api.post(`${url}restore/`);
      if (error) this.#toasts.show(error);
      else if (onUndone) return onUndone();
      await this.refresh();
      this.#list.querySelector(`a[href="${url}"]`)?.focus({ preventScroll: true });
    });
  }

  // Internal

  /** The list may have been refreshed while the menu was open. */
  #choose(choice, { dataset }) {
    const entry = this.#entry(dataset.entry);
    if (entry) this[choice](entry);
  }

  async #showMore(limit) {
    const known = this.#list.querySelectorAll("[data-entry]").length;
    this.#limit = limit;
    await this.refresh();
    this.#list.querySelectorAll("[data-entry]")[known]?.querySelector("a").focus();
  }

  async #post(entry, verb, fields) {
    const error = await this.#api.post(`${this.#url(entry)}${verb}/`, fields);
    if (error) this.#toasts.show(error);
    await this.refresh();
    return !error;
  }

  #url(entry) {
    return entry.querySelector("a").getAttribute("href");
  }

  #entry(conversation) {
    return this.#list.querySelector(`[data-entry="${conversation}"]`);
  }
}
