import { Answer } from "../answer/answer.js";
import { copyOf, keepingFocus } from "../dom.js";

/** The shown path of messages. */
export class Transcript {
  #element;
  #forms;
  #tools; // for answers
  #answers = new Map(); // by generation

  constructor(element, tools) {
    this.#element = element;
    this.#forms = tools.forms;
    this.#tools = tools;
    for (const article of this.articles) this.#register(article);
  }

  // State

  get articles() {
    return [...this.#element.children];
  }

  get unfinished() {
    return [...this.#answers.values()].filter((answer) => !answer.isFinal && answer.state !== "pending");
  }

  answer(generation) {
    return this.#answers.get(generation);
  }

  /** Whether the server's hello names a message or answer that is not shown. */
  isBehind({ leaf, latest, unfinished = [] }) {
    const shown = this.articles.map((article) => article.dataset);
    const lacksLeaf = leaf && !shown.some(({ messageId }) => messageId === leaf);
    return lacksLeaf || [latest, ...unfinished].some((id) => id && !shown.some(({ generation }) => generation === id));
  }

  /** Returns the Markdown of a message. */
  sourceOf(article) {
    if (article.dataset.role === "user") return article.querySelector("[data-text]").textContent;
    return this.#answers.get(article.dataset.generation).source;
  }

  // Actions

  /** Makes these articles the path below `parent` (id; null: the top). Returns false if `parent` is not shown. */
  showBelow(parent, fresh) {
    let previous = parent ? this.#article(parent) : null;
    if (parent && !previous) return false;
    keepingFocus(this.#element, () => {
      for (const article of fresh) {
        const shown = this.#current(article);
        const place = previous ? previous.nextElementSibling : this.#element.firstElementChild;
        if (place !== shown) this.#element.insertBefore(shown, place);
        previous = shown;
      }
      for (const article of this.#from(previous?.nextElementSibling ?? (previous ? null : this.#element.firstElementChild))) {
        this.#remove(article);
      }
    });
    return true;
  }

  /** Shows an unanswered question in place of `from` and what follows. Returns a function that undoes that. */
  showPending(text, from = null) {
    const fresh = [];
    if (text !== null) fresh.push(copyOf(this.#forms.question));
    if (text !== null) fresh[0].querySelector("[data-text]").textContent = text;
    fresh.push(copyOf(this.#forms.answer));
    const gone = this.#from(from);
    keepingFocus(this.#element, () => {
      for (const article of gone) article.remove();
      this.#element.append(...fresh);
    });
    const pending = new Answer(fresh.at(-1), this.#tools);
    return () => {
      pending.end();
      for (const article of fresh) article.remove();
      this.#element.append(...gone);
    };
  }

  showContinuing(article) {
    const answer = this.#answers.get(article.dataset.generation);
    const before = answer.state;
    answer.setState("pending");
    return () => answer.setState(before);
  }

  /** Replaces a message's article by a new one. */
  replace(article) {
    const old = this.#article(article.dataset.messageId);
    if (!old) return;
    this.#remove(old, () => old.replaceWith(article));
    this.#register(article);
  }

  // Internal

  #article(id) {
    return this.articles.find((article) => article.dataset.messageId === id);
  }

  #from(article) {
    const articles = this.articles;
    return article ? articles.slice(articles.indexOf(article)) : [];
  }

  /** Returns the article to show: the one already shown, unless it is outdated. */
  #current(article) {
    const shown = this.#article(article.dataset.messageId);
    if (!shown) return this.#register(article);
    const answer = this.#answers.get(shown.dataset.generation);
    if (shown.dataset.generation === article.dataset.generation) {
      const fresh = article.dataset.state;
      if (!answer || answer.isFinal || fresh === "queued" || fresh === "streaming") return shown;
    }
    this.#register(article);
    if ("continues" in article.dataset && answer?.isFinal) this.#answers.get(article.dataset.generation).adopt(answer);
    this.#remove(shown);
    return article;
  }

  #register(article) {
    const { generation, role } = article.dataset;
    if (role === "assistant") this.#answers.set(generation, new Answer(article, this.#tools));
    return article;
  }

  #remove(article, remove = () => article.remove()) {
    const answer = this.#answers.get(article.dataset.generation);
    if (answer?.element === article) {
      answer.end();
      this.#answers.delete(article.dataset.generation);
    }
    remove();
  }
}
