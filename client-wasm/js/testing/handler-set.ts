/** Handlers of one kind, called in the order they came: one that throws or rejects is reported, the others run. */
import type { ListenOptions, Unsubscribe } from "../types.js";

/** Hears what a handler threw or rejected with. */
export type Report = (code: "handler_threw" | "handler_rejected", cause: unknown) => void;

interface Entry<A extends unknown[]> {
  readonly handler: (...args: A) => unknown;
  readonly once: boolean;
}

export class HandlerSet<A extends unknown[]> {
  readonly #entries = new Set<Entry<A>>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(handler: (...args: A) => unknown, o: ListenOptions = {}): Unsubscribe {
    if (o.signal?.aborted) return () => {};
    const entry = { handler, once: o.once ?? false };
    const end = (): void => void this.#entries.delete(entry);
    this.#entries.add(entry);
    o.signal?.addEventListener("abort", end, { once: true });
    return end;
  }

  remove(handler: unknown): void {
    for (const entry of this.#entries) if (entry.handler === handler) this.#entries.delete(entry);
  }

  /** Fulfils when every handler has settled, whatever became of it. */
  async call(...args: A): Promise<void> {
    const present = [...this.#entries];
    await Promise.all(present.map((entry) => this.#run(entry, args)));
  }

  async #run(entry: Entry<A>, args: A): Promise<void> {
    if (entry.once) this.#entries.delete(entry);
    let returned: unknown;
    try {
      returned = entry.handler(...args);
    } catch (cause) {
      return this.#report("handler_threw", cause);
    }
    await Promise.resolve(returned).catch((cause: unknown) => this.#report("handler_rejected", cause));
  }
}
