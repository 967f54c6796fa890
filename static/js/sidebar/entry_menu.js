const GAP_PX = 4;

/** The menu of a conversation in the list; all entries share one. `onChoice(choice, entry)`. */
export class EntryMenu {
  #element;
  #entry = null;

  constructor(element, { onChoice }) {
    this.#element = element;
    element.addEventListener("click", (e) => {
      const item = e.target.closest("[data-choice]");
      if (!item) return;
      element.hidePopover();
      onChoice(item.dataset.choice, this.#entry);
    });
    element.addEventListener("keydown", (e) => this.#press(e));
    element.addEventListener("toggle", (e) => this.#entry.toggleAttribute("data-menu-open", e.newState === "open"));
  }

  open(entry, button) {
    this.#entry = entry;
    this.#element.querySelector("[data-pin-label]").textContent = "pinned" in entry.dataset ? "Unpin" : "Pin";
    this.#element.showPopover({ source: button });
    const at = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#element;
    const fits = at.bottom + GAP_PX + height < innerHeight;
    this.#element.style.left = `${Math.max(GAP_PX, at.right - width)}px`;
    this.#element.style.top = `${fits ? at.bottom + GAP_PX : at.top - height - GAP_PX}px`;
    this.#items[0].focus();
  }

  // Internal

  get #items() {
    return [...this.#element.querySelectorAll("[data-choice]")];
  }

  #press(e) {
    const items = this.#items;
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[e.key];
    if (next === undefined) return;
    e.preventDefault();
    items.at(next % items.length).focus();
  }
}
