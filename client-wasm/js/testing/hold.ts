import type { Core, Released } from "../core.js";
import type { Outcome } from "../registrations.js";

/** Events held at most, as with a server. */
const EVENTS_MAX = 1_000;
/** Loads that may run at once, as with a server. */
const LOADS_MAX = 256;

/** A resync whose handlers have not settled. */
interface Resyncing {
  readonly signal: AbortController;
}

/** Events wait while a load or a resync runs, then pass in the order they came: what Rust does, without its clock. */
export class Hold implements Pick<Core, "hold" | "settle"> {
  readonly #loads = new Set<number>();
  readonly #waiting: (() => void)[] = [];
  #resyncing: Resyncing | null = null;
  #begun = 0;
  #draining = false;
  readonly #overflowed: () => void;
  readonly #released: (hold: number, cause: Released) => void;

  /** `overflowed` hears that more came than may be held, `released` of loads that nobody waits for any more. */
  constructor(overflowed: () => void, released: (hold: number, cause: Released) => void) {
    this.#overflowed = overflowed;
    this.#released = released;
  }

  /** Delivers now, or as soon as nothing holds and what came before is delivered. */
  pass(deliver: () => void): void {
    this.#waiting.push(deliver);
    if (this.#holds && this.#waiting.length > EVENTS_MAX) {
      this.#overflowed();
      this.callOff("overflow");
    } else {
      this.#drain();
    }
  }

  hold(): number | undefined {
    if (this.#loads.size >= LOADS_MAX) return undefined;
    this.#begun += 1;
    this.#loads.add(this.#begun);
    return this.#begun;
  }

  settle(hold: number): void {
    this.#loads.delete(hold);
    this.#drain();
  }

  /** Events wait until what `handlers` returns has settled. What was held is older than what they fetch: it goes first. */
  resync(handlers: (signal: AbortSignal) => Outcome): void {
    const mine = { signal: new AbortController() };
    this.#release("superseded", mine);
    const end = (): void => {
      if (this.#resyncing !== mine) return;
      this.#resyncing = null;
      this.#drain();
    };
    const outcome = handlers(mine.signal.signal);
    if (typeof outcome === "boolean") end();
    else void outcome.then(end);
  }

  /** Ends all that holds; what waited goes out. False where nothing held. */
  callOff(cause: "timeout" | "overflow"): boolean {
    const held = this.#holds;
    this.#release(cause, null);
    return held;
  }

  /** Ends all that holds; what waited is dropped. */
  drop(): void {
    this.#waiting.length = 0;
    this.#release("closed", null);
  }

  get #holds(): boolean {
    return this.#resyncing !== null || this.#loads.size > 0;
  }

  #release(cause: Released, next: Resyncing | null): void {
    const loads = [...this.#loads];
    const before = this.#resyncing;
    this.#loads.clear();
    this.#resyncing = null;
    before?.signal.abort();
    this.#drain();
    this.#resyncing = next;
    for (const load of loads) this.#released(load, cause);
  }

  /** One event at a time: one that a handler emits waits for the others of its own. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (!this.#holds) {
        const deliver = this.#waiting.shift();
        if (deliver === undefined) return;
        deliver();
      }
    } finally {
      this.#draining = false;
    }
  }
}
