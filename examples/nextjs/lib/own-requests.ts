// Which correlation ids are this tab's: an application error is shown when it is about one of them, or about none.

/** As many as a person makes in a few minutes; an error about an older request is no news. */
const REMEMBERED = 200;

export class OwnRequests {
  readonly #ids = new Set<string>();

  /** A correlation id for a new request. */
  next(): string {
    const id = crypto.randomUUID();
    this.#ids.add(id);
    for (const oldest of this.#ids) {
      if (this.#ids.size <= REMEMBERED) break;
      this.#ids.delete(oldest);
    }
    return id;
  }

  concerns(correlationId: string | null | undefined): boolean {
    return correlationId === null || correlationId === undefined || this.#ids.has(correlationId);
  }
}
