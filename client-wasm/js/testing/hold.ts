/** Events wait while anybody loads; then they pass in the order they came. */
export class Hold {
  #holders = 0;
  readonly #waiting: (() => void)[] = [];

  /** Delivers now, or as soon as nobody holds. */
  pass(deliver: () => void): void {
    this.#waiting.push(deliver);
    this.#drain();
  }

  /** Holds from this call until what `fn` returns has settled. */
  async until<T>(fn: (o: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    this.#holders += 1;
    try {
      return await fn({ signal: new AbortController().signal });
    } finally {
      this.#holders -= 1;
      this.#drain();
    }
  }

  #drain(): void {
    while (this.#holders === 0) {
      const deliver = this.#waiting.shift();
      if (deliver === undefined) return;
      deliver();
    }
  }
}
