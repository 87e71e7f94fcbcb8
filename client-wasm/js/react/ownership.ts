"use client";
/**
 * Which provider a mounted `<BackendEventProvider options>` keeps open: at most one, none once it left.
 *
 * React may clean an effect up and run it again at once (StrictMode, Fast Refresh), or put a new
 * component in the place of an old one. Both are settled a microtask later, in the order in which they
 * were asked for, so that the first changes nothing and the second never has two streams open.
 */
import type { BackendEventProviderInstance, BackendEventProviderOptions, Cursor } from "../types.js";
import { liveOptions, sameStream } from "./options.js";

type Latest<E extends object> = { readonly current: BackendEventProviderOptions<E> };
type Make<E extends object> = (options: BackendEventProviderOptions<E>) => BackendEventProviderInstance<E>;

/** A provider made of options, and what the next one may take over from it. It is inert until it is wanted. */
export class Owned<E extends object> {
  readonly instance: BackendEventProviderInstance<E>;
  /** The options it was made of; `identity` follows the latest. */
  options: BackendEventProviderOptions<E>;
  #inherited: Cursor = null;

  constructor(make: Make<E>, options: BackendEventProviderOptions<E>, latest: Latest<E>) {
    this.options = options;
    this.instance = make(liveOptions(options, () => latest.current, () => this.#inherited));
  }

  /** Goes over to another user on the same provider; the cursor of the old one is dropped there. */
  identify(identity: string | null | undefined): void {
    const before = this.options.identity;
    // Saying nothing is not signing out, but to stop saying who it is, is.
    if (identity === before || (identity === undefined && before === null)) return;
    this.options = { ...this.options, identity: identity ?? null };
    this.#inherited = null;
    this.instance.setIdentity(identity ?? null);
  }

  /** Takes the place of `predecessor`, which is closed, and stands where it stood. */
  replace(predecessor: Owned<E>): void {
    if (sameStream(predecessor.options, this.options)) {
      this.#inherited = predecessor.instance.lastEventId ?? predecessor.#inherited;
    }
    predecessor.instance.close();
  }
}

/** One component's wish, and the provider that is open because of it. */
export class Ownership<E extends object> {
  #wanted: { owned: Owned<E>; connect: boolean } | null = null;
  #held: Owned<E> | null = null;
  #scheduled = false;

  /** Keeps `owned` open from the next microtask on; with `connect` false its `connect()` is left to the app. */
  want(owned: Owned<E>, connect: boolean): void {
    this.#wanted = { owned, connect };
    // The handlers have moved to the new provider within this very task: an event the old one still
    // took would reach none of them and yet move the cursor that is inherited.
    if (this.#held !== null && this.#held !== owned) {
      owned.replace(this.#held);
      this.#held = null;
    }
    this.#schedule();
  }

  /** Closes what is held, unless it is wanted again before the next microtask. */
  release(): void {
    this.#wanted = null;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#settle();
    });
  }

  #settle(): void {
    const wanted = this.#wanted;
    if (wanted === null) {
      this.#held?.instance.close();
      this.#held = null;
    } else if (this.#held !== wanted.owned) {
      this.#held = wanted.owned;
      if (wanted.connect) wanted.owned.instance.connect();
    }
  }
}
