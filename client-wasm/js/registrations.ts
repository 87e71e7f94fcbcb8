import type { AnyHandler, Core, Occasion } from "./core.js";
import type { Unsubscribe } from "./types.js";

interface Registration {
  readonly occasion: Occasion;
  names: readonly string[];
  readonly handler: AnyHandler;
  readonly once: boolean;
  /** The number on the Rust side, once there is one. */
  id: number | null;
}

/** The handlers that registered before the wasm was there; all later ones go straight to Rust. */
export class Registrations {
  #early = new Set<Registration>();
  #core: Core | null = null;

  add(occasion: Occasion, names: readonly string[], handler: AnyHandler, once: boolean): Unsubscribe {
    if (typeof handler !== "function") throw new TypeError("a handler is a function");
    const registration: Registration = { occasion, names, handler, once, id: null };
    if (this.#core) this.#attach(this.#core, registration);
    else this.#early.add(registration);
    return () => {
      this.#early.delete(registration);
      if (registration.id !== null) this.#core?.unlisten(registration.id);
      registration.id = null;
    };
  }

  off(name: string, handler: AnyHandler): void {
    this.#core?.off(name, handler);
    for (const early of this.#early) {
      if (early.occasion !== "event" || early.handler !== handler || !early.names.includes(name)) continue;
      early.names = early.names.filter((other) => other !== name);
      if (early.names.length === 0) this.#early.delete(early);
    }
  }

  /** Hands everything to Rust, in order of registration. */
  attach(core: Core): void {
    this.#core = core;
    const early = this.#early;
    this.#early = new Set();
    for (const registration of early) this.#attach(core, registration);
  }

  /** Calls handlers where there is no Rust to do it: the wasm is not there. Gives whether there was one. */
  call(occasion: Occasion, arguments_: unknown[], failed: (error: unknown) => void): boolean {
    const handlers = [...this.#early].filter((registration) => registration.occasion === occasion);
    for (const registration of handlers) {
      if (!this.#early.has(registration)) continue;
      if (registration.once) this.#early.delete(registration);
      try {
        Promise.resolve(registration.handler(...arguments_)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
    return handlers.length > 0;
  }

  /** Registrations per event name, and per `*occasion`. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { occasion, names } of this.#early) {
      for (const name of occasion === "event" ? names : [`*${occasion}`]) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  #attach(core: Core, registration: Registration): void {
    registration.id = core.listen(
      registration.occasion,
      registration.names.join("\n"),
      registration.handler,
      registration.once,
    );
  }
}
