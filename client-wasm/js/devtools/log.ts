/** What the panel shows: the last events and states of a provider, bounded. */
import type { BackendEventProviderInstance, ConnectionState, EventMeta, Unsubscribe } from "../types.js";

/** Events kept; the oldest go first. */
const EVENTS_MAX = 200;
/** States kept. */
const STATES_MAX = 100;

/** One event, as it was handed to the page's handlers. */
export interface SeenEvent {
  /** Counts from 1. */
  readonly number: number;
  readonly type: string;
  readonly data: unknown;
  readonly meta: EventMeta;
  /** Whether the contract has it. */
  readonly known: boolean;
}

/** One state, and when it began. */
export interface SeenState {
  readonly state: ConnectionState;
  readonly at: number;
}

/** Immutable, and the same object until something is seen. */
export interface Seen {
  readonly events: readonly SeenEvent[];
  readonly states: readonly SeenState[];
  /** Events that came while nobody wanted to see more. */
  readonly unseen: number;
}

/** Watches a provider from `start` on. */
export class SeenLog {
  readonly #provider: BackendEventProviderInstance<object>;
  readonly #listeners = new Set<() => void>();
  #seen: Seen = { events: [], states: [], unseen: 0 };
  #count = 0;
  #paused = false;

  constructor(provider: BackendEventProviderInstance<object>) {
    this.#provider = provider;
  }

  /** Gives what ends it. */
  start(): Unsubscribe {
    const note = (type: string, data: unknown, meta: EventMeta, known: boolean): void => {
      this.#count += 1;
      if (this.#paused) return this.#become({ unseen: this.#seen.unseen + 1 });
      const event = { number: this.#count, type, data, meta, known };
      this.#become({ events: [event, ...this.#seen.events].slice(0, EVENTS_MAX) });
    };
    const ends = [
      this.#provider.onAny((event) => {
        const { type, data, meta } = event as { type: string; data: unknown; meta: EventMeta };
        note(type, data, meta, true);
      }),
      this.#provider.onUnknown((type, data, meta) => note(type, data, meta, false)),
      this.#provider.onState(
        (state) => this.#become({ states: [...this.#seen.states, { state, at: Date.now() }].slice(-STATES_MAX) }),
        { immediate: true },
      ),
    ];
    return () => ends.forEach((end) => end());
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#become({ unseen: 0 });
  }

  clear(): void {
    this.#become({ events: [], unseen: 0 });
  }

  readonly subscribe = (onChange: () => void): Unsubscribe => {
    this.#listeners.add(onChange);
    return () => void this.#listeners.delete(onChange);
  };

  readonly getSnapshot = (): Seen => this.#seen;

  #become(change: Partial<Seen>): void {
    this.#seen = { ...this.#seen, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}
