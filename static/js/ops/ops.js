// Keeps the operators' figures fresh while the page is looked at.

const INTERVAL_MS = 2000;

class Figures {
  #element;
  #failures = 0;

  constructor(element) {
    this.#element = element;
  }

  // Lifecycle

  async run() {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      if (!document.hidden) await this.#refresh();
    }
  }

  // Internal

  async #refresh() {
    try {
      const response = await fetch(this.#element.dataset.url + location.search);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      this.#show([...fresh.body.childNodes]);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#element.querySelector("[data-staleness]").textContent =
        `These figures are old: the server did not answer ${this.#failures} times (${error.message}).`;
    }
  }

  /** Only when nobody is in the middle of using what would be replaced. */
  #show(nodes) {
    const selecting = !document.getSelection().isCollapsed;
    if (this.#element.contains(document.activeElement) || selecting) return;
    this.#element.replaceChildren(...nodes);
  }
}

const element = document.querySelector("[data-figures]");
if (element) new Figures(element).run();
