/**
 * What an element has of the page it keeps while it is written: text that gets its form, or waits for it, takes less
 * room than before, and all that stands above would bounce each time.
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
