import { BackendEventError } from "./error.js";
import type { Unsubscribe } from "./types.js";

/** What a handler waits for. */
export type Occasion = "event" | "any" | "unknown" | "application_error" | "state" | "resync" | "error";

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyHandler = (...arguments_: any[]) => unknown;

interface Registration {
  readonly occasion: Occasion;
  names: readonly string[];
  readonly handler: AnyHandler;
  readonly once: boolean;
}

/** Whether all handlers did well: said at once, or when the last of them settles. */
export type Outcome = boolean | Promise<boolean>;

/** The page's handlers: each is called by itself, in order of registration, and one that fails stops nobody. */
export class Registrations {
  /** In order of registration. */
  readonly #all = new Set<Registration>();
  readonly #unheard: (error: BackendEventError) => void;

  /** `unheard` gets the errors that no `error` handler takes, and those of such handlers themselves. */
  constructor(unheard: (error: BackendEventError) => void) {
    this.#unheard = unheard;
  }

  add(occasion: Occasion, names: readonly string[], handler: AnyHandler, once: boolean): Unsubscribe {
    if (typeof handler !== "function") throw new TypeError("a handler is a function");
    const registration: Registration = { occasion, names: [...names], handler, once };
    this.#all.add(registration);
    return () => void this.#all.delete(registration);
  }

  /** Ends this handler's registrations for one event; those for other events stay. */
  off(name: string, handler: AnyHandler): void {
    for (const one of this.#all) {
      if (one.handler !== handler || !waits(one, "event", name)) continue;
      one.names = one.names.filter((other) => other !== name);
      if (one.names.length === 0) this.#all.delete(one);
    }
  }

  /** Calls every handler that was there at the beginning and still is. */
  call(occasion: Occasion, arguments_: readonly unknown[], name?: string): Outcome {
    const unsettled: Promise<boolean>[] = [];
    let ok = true;
    const fail = (code: string, cause: unknown): void => {
      const message = String((cause as Error | null | undefined)?.message ?? cause);
      const error = new BackendEventError("handler", code, message, { cause });
      if (occasion === "error") this.#unheard(error);
      else this.report(error);
    };
    for (const one of this.#waiting(occasion, name)) {
      if (!this.#all.has(one) || !waits(one, occasion, name)) continue;
      if (one.once) this.#all.delete(one);
      try {
        const returned = one.handler(...arguments_) as PromiseLike<unknown> | undefined;
        if (typeof returned?.then !== "function") continue;
        const settled = Promise.resolve(returned).then(
          () => true,
          (cause: unknown) => {
            fail("handler_rejected", cause);
            return false;
          },
        );
        unsettled.push(settled);
      } catch (cause) {
        ok = false;
        fail("handler_threw", cause);
      }
    }
    return unsettled.length === 0 ? ok : Promise.all(unsettled).then((kept) => ok && kept.every(Boolean));
  }

  /** Gives an error to the `error` handlers, or to the log where there is none. */
  report(error: BackendEventError): void {
    if (this.#waiting("error").length === 0) this.#unheard(error);
    else this.call("error", [error]);
  }

  /** Registrations per event name, and per `*occasion`. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { occasion, names } of this.#all) {
      for (const name of occasion === "event" ? names : [`*${occasion}`]) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  #waiting(occasion: Occasion, name?: string): Registration[] {
    return [...this.#all].filter((one) => waits(one, occasion, name));
  }
}

function waits({ occasion, names }: Registration, asked: Occasion, name?: string): boolean {
  return occasion === asked && (name === undefined || names.includes(name));
}
