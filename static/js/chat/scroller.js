const UNPIN_PX = 3; // a scroll up by this much that is not ours is the user's
const REPIN_PX = 60; // from the end
const UP_KEYS = ["PageUp", "Home", "ArrowUp"];

/**
 * Keeps the end in view while the content grows, unless the user reads something above.
 * Who scrolled is decided by the position, not by a timer: the position that we set is ours, the new end of shrunken
 * content is the browser's, any other is the user's.
 */
export class Scroller {
  #element;
  #jump;
  #isPinned = true;
  #position = 0; // the last known scroll position
  #end = 0;

  constructor(element, { content, jump }) {
    this.#element = element;
    this.#jump = jump;
    element.addEventListener("scroll", () => this.#moved(), { passive: true });
    element.addEventListener("wheel", (e) => e.deltaY < 0 && this.#reachUp(e.target), { passive: true });
    element.addEventListener("keydown", (e) => UP_KEYS.includes(e.key) && this.#reachUp(e.target));
    jump.addEventListener("click", () => this.toEnd());
    const sizes = new ResizeObserver(() => this.#resized());
    for (const observed of [element, ...content]) sizes.observe(observed);
    this.toEnd();
  }

  // Actions

  toEnd() {
    this.#pin(true);
    this.#follow();
  }

  // Internal

  #resized() {
    if (this.#isPinned) this.#follow();
    else this.#end = this.#lowest;
    this.#showJump();
  }

  #follow() {
    this.#end = this.#lowest;
    this.#element.scrollTop = this.#end;
    this.#position = this.#element.scrollTop;
  }

  #moved() {
    const position = this.#element.scrollTop;
    const lowest = this.#lowest;
    const by = position - this.#position;
    const isClamped = lowest < this.#end && Math.abs(position - lowest) <= 1;
    this.#position = position;
    this.#end = lowest;
    if (Math.abs(by) <= 1 || isClamped) return;
    if (this.#isPinned && by <= -UNPIN_PX) this.#pin(false);
    else if (!this.#isPinned && by > 0 && lowest - position <= REPIN_PX) this.#pin(true);
  }

  /** The user wants to scroll up: unpins before the scroll, so that growth in the same frame does not undo it. */
  #reachUp(target) {
    if (this.#isPinned && this.#lowest > 0 && !this.#scrollsInside(target)) this.#pin(false);
  }

  #scrollsInside(target) {
    for (let at = target; at && at !== this.#element; at = at.parentElement) {
      if (at.scrollTop > 0 || at.matches("textarea, input")) return true;
    }
    return false;
  }

  #pin(isPinned) {
    this.#isPinned = isPinned;
    this.#element.toggleAttribute("data-pinned", isPinned); // switches off the browser's scroll anchoring
    this.#showJump();
  }

  #showJump() {
    this.#jump.hidden = this.#isPinned || this.#lowest - this.#element.scrollTop <= REPIN_PX;
  }

  get #lowest() {
    return this.#element.scrollHeight - this.#element.clientHeight;
  }
}
