import { sends } from "./enter.js";

const NEAR_LIMIT = 0.9; // of the limit; from here on the length is shown
export const BUSY = "An answer is still being written. Wait for it to finish, or stop it first."; // as the server says it

/** The form in which a message is written. `onSend(text)`, `onStop()`. */
export class Composer {
  #form;
  #limit;
  #draft;
  #onSend;
  #isBusy = false;
  #closed = ""; // why nothing can be sent here

  constructor(form, { draft, onSend, onStop }) {
    this.#form = form;
    this.#limit = Number(form.dataset.limit);
    this.#draft = draft;
    this.#onSend = onSend;
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("keydown", (e) => this.#press(e));
    form.addEventListener("submit", (e) => this.#submit(e));
    this.#find("stop").addEventListener("click", onStop);
    this.#find("offer").addEventListener("click", () => this.#acceptOffer());
    if (!this.#input.value) this.#input.value = draft.text; // some browsers restore it themselves
    this.#changed();
  }

  // Actions

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  fill(text) {
    this.#input.value = text;
    this.#changed();
    this.focus();
  }

  /** While an answer is being made, Send is Stop. */
  setBusy(isBusy) {
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    const hadFocus = this.#form.contains(document.activeElement) && document.activeElement !== this.#input;
    this.#find("send").hidden = isBusy;
    this.#find("stop").hidden = !isBusy;
    if (hadFocus) this.focus();
    const says = this.#find("sentence");
    if (!isBusy && says.textContent === BUSY && this.#find("offer").hidden) says.textContent = "";
    this.#judge();
  }

  /** Nothing can be sent from now on, for this reason; empty: it can again. */
  close(sentence) {
    this.#closed = sentence;
    this.#changed();
  }

  /** Say why something was refused; its text goes back where it was written, unless something new stands there. */
  refuse(sentence, text = "") {
    this.#find("sentence").textContent = sentence;
    const offers = text !== "" && this.#input.value.trim() !== "";
    this.#find("offer").hidden = !offers;
    this.#find("offer").dataset.text = offers ? text : "";
    if (text && !offers) this.fill(text);
    this.#find("sentence").textContent = sentence; // fill() took it away
  }

  // Internal

  get #input() {
    return this.#find("input");
  }

  #press(e) {
    if (sends(e)) this.#submit(e);
  }

  #submit(e) {
    e.preventDefault();
    const text = this.#input.value;
    const reason = this.#closed || (this.#isBusy && text.trim() ? BUSY : "");
    if (reason) this.refuse(reason);
    if (reason || this.#isBusy || !this.#judge()) return;
    this.#input.value = "";
    this.#changed();
    this.focus();
    this.#onSend(text);
  }

  #acceptOffer() {
    this.fill(this.#find("offer").dataset.text);
  }

  #changed() {
    this.#draft.text = this.#input.value;
    this.#find("sentence").textContent = "";
    this.#find("offer").hidden = true;
    this.#grow();
    this.#judge();
  }

  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#input.style.blockSize = "auto";
    this.#input.style.blockSize = `${this.#input.scrollHeight}px`;
  }

  /** True if it can be sent; shows the length when that matters. Characters are counted as the server does. */
  #judge() {
    const text = this.#input.value;
    const isNear = text.length > this.#limit * NEAR_LIMIT;
    const length = isNear ? [...text].length : text.length;
    const isTooLong = length > this.#limit;
    const count = this.#find("count");
    count.hidden = !isNear;
    count.classList.toggle("composer__count--over", isTooLong);
    if (isNear) count.textContent = this.#sentenceOn(length, isTooLong);
    this.#find("send").disabled = !text.trim() || isTooLong || this.#closed !== "";
    return text.trim() !== "" && !isTooLong;
  }

  #sentenceOn(length, isTooLong) {
    const figures = `${length.toLocaleString("en")} of ${this.#limit.toLocaleString("en")} characters`;
    return isTooLong ? `Too long: ${figures}. Please shorten it.` : figures;
  }

  #find(name) {
    return this.#form.querySelector(`[data-${name}]`);
  }
}
