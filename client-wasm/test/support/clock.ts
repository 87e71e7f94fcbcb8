import type { Clock } from "../../js/types.js";

/** Time that stands still until told otherwise; chance that always says one half. */
export class ManualClock implements Clock {
  #now = 1_800_000_000_000;
  #next = 1;
  readonly #timers = new Map<number, { at: number; call: () => void }>();

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  setTimeout(call: () => void, ms: number): number {
    this.#timers.set(this.#next, { at: this.#now + ms, call });
    return this.#next++;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** Goes on, calling each timer at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [timer, { at, call }] = due;
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      call();
    }
    this.#now = end;
  }
}
