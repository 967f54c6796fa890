import { isSendKey } from "./enter.js";

const NEAR_LIMIT = 0.9; // share of the limit from which the length is shown
export const BUSY = "An answer is still being written. Wait for it to finish, or stop it first."; // as in asking.py

/** The form for writing a message. `onSend(text)`, `onStop()`. */
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
    this.#input.addEventListener("input", () => this.#update());
    this.#input.addEventListener("keydown", (e) => this.#press(e));
    form.addEventListener("submit", (e) => this.#submit(e));
    this.#find("stop").addEventListener("click", onStop);
    this.#find("restore").addEventListener("click", (e) => this.fill(e.currentTarget.dataset.text));
    if (!this.#input.value) this.#input.value = draft.text; // some browsers restore the text themselves
    this.#update();
  }

  // Actions

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  fill(text) {
    this.#input.value = text;
    this.#update();
    this.focus();
  }

  /** Replaces Send by Stop while an answer is being made. */
  setBusy(isBusy) {
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    const hadFocus = this.#form.contains(document.activeElement) && document.activeElement !== this.#input;
    this.#find("send").hidden = isBusy;
    this.#find("stop").hidden = !isBusy;
    if (hadFocus) this.focus();
    const alert = this.#find("sentence");
    if (!isBusy && alert.textContent === BUSY && this.#find("restore").hidden) alert.textContent = "";
    this.#validate();
  }

  /** Prevents sending, with `sentence` as the reason; "" allows it again. */
  close(sentence) {
    this.#closed = sentence;
    this.#update();
  }

  /** Says why a message was refused, and puts its text back unless the user has typed something new. */
  refuse(sentence, text = "") {
    const isOccupied = text !== "" && this.#input.value.trim() !== "";
    if (text && !isOccupied) this.fill(text);
    this.#find("sentence").textContent = sentence;
    this.#find("restore").hidden = !isOccupied;
    this.#find("restore").dataset.text = isOccupied ? text : "";
  }

  // Internal

  get #input() {
    return this.#find("input");
  }

  #press(e) {
    if (isSendKey(e)) this.#submit(e);
  }

  #submit(e) {
    e.preventDefault();
    const text = this.#input.value;
    const reason = this.#closed || (this.#isBusy && text.trim() ? BUSY : "");
    if (reason) this.refuse(reason);
    if (reason || this.#isBusy || !this.#validate()) return;
    this.#input.value = "";
    this.#update();
    this.focus();
    this.#onSend(text);
  }

  #update() {
    this.#draft.text = this.#input.value;
    this.#find("sentence").textContent = "";
    this.#find("restore").hidden = true;
    this.#grow();
    this.#validate();
  }

  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#input.style.blockSize = "auto";
    this.#input.style.blockSize = `${this.#input.scrollHeight}px`;
  }

  /** Returns whether the text can be sent; shows its length near the limit. Counts characters as the server does. */
  #validate() {
    const text = this.#input.value;
    const isNear = text.length > this.#limit * NEAR_LIMIT;
    const length = isNear ? [...text].length : text.length;
    const isTooLong = length > this.#limit;
    const count = this.#find("count");
    count.hidden = !isNear;
    count.classList.toggle("composer__count--over", isTooLong);
    if (isNear) count.textContent = this.#lengthText(length, isTooLong);
    this.#find("send").disabled = !text.trim() || isTooLong || this.#closed !== "";
    return text.trim() !== "" && !isTooLong;
  }

  #lengthText(length, isTooLong) {
    const text = `${length.toLocaleString("en")} of ${this.#limit.toLocaleString("en")} characters`;
    return isTooLong ? `Too long: ${text}. Please shorten it.` : text;
  }

  #find(name) {
    return this.#form.querySelector(`[data-${name}]`);
  }
}
