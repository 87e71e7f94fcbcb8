// The hand-over from the first page load to the event stream: the stream starts where the page's data was read.

export class FirstCursor {
  #settle: (cursor: string | null) => void = () => undefined;

  /** What `replay.from` waits for; null when the load failed, which the stream answers with a resync. */
  readonly cursor = new Promise<string | null>((resolve) => {
    this.#settle = resolve;
  });

  /** Only the first offer counts: later loads are behind the stream. */
  offer(cursor: string | null): void {
    this.#settle(cursor);
  }
}
