/**
 * Keeps an element from shrinking while it is written: text that is rendered, or held back, takes less room than
 * before, and everything above would jump each time.
 */
export class HeightLock {
  #element;
  #sizes;
  #width = 0;
  #height = 0;

  constructor(element) {
    this.#element = element;
    this.#sizes = new ResizeObserver(([{ contentRect }]) => this.#resized(contentRect));
    this.#sizes.observe(element);
  }

  release() {
    this.#set(0);
  }

  end() {
    this.#sizes.disconnect();
    this.release();
  }

  // Internal

  #resized({ width, height }) {
    if (this.#width && width !== this.#width) this.release();
    else if (height > this.#height) this.#set(height);
    this.#width = width;
  }

  #set(height) {
    this.#height = height;
    this.#element.style.minBlockSize = height ? `${height}px` : "";
  }
}
