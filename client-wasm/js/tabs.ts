import type { Core, LockWord, PostTo } from "./core.js";
import { BackendEventError } from "./error.js";
import type { BackendEventProviderOptions, ConnectionState, Outage } from "./types.js";

/** `kind` of the post that carries its sender's state: see `Kind` in Rust's `protocol::tab`. */
const STATE = 4;

/** Whether this page can share with others what `identity` reads. */
export function canShare({ sharing, sharingKey, url }: BackendEventProviderOptions<never>, identity: unknown): boolean {
  const named = sharingKey !== undefined || typeof url !== "function";
  const able = typeof BroadcastChannel !== "undefined" && !!globalThis.navigator?.locks;
  return sharing !== "off" && typeof identity === "string" && named && able;
}

/** The browser's lock and channel for the tabs of one user. What they mean is decided in Rust. */
export class Tabs {
  readonly #name: () => string;
  readonly #state: () => ConnectionState;
  #core: Core | null = null;
  #channel: BroadcastChannel | null = null;
  /** The request for the lock that counts. */
  #asked: AbortController | null = null;
  /** Lets go of the lock. */
  #release: (() => void) | null = null;
  #mirrored: ConnectionState | null = null;

  constructor(name: () => string, state: () => ConnectionState) {
    this.#name = name;
    this.#state = state;
  }

  attach(core: Core): void {
    this.#core = core;
  }

  lock(what: LockWord): void {
    this.#asked?.abort();
    this.#release?.();
    this.#asked = this.#release = null;
    if (what === "quit") {
      this.#channel?.close();
      this.#channel = null;
    } else if (what !== "leave") {
      this.#ask(what === "steal");
    }
  }

  post(...post: PostTo): void {
    this.#channel?.postMessage([...post, post[0] === STATE && plain(this.#state())]);
  }

  /** The leader's state, as it came with its last post. */
  mirrored(): ConnectionState {
    return this.#mirrored ?? this.#state();
  }

  #ask(steal: boolean): void {
    const name = this.#name();
    if (!this.#channel) {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = ({ data }) => this.#hear(data);
    }
    const asked = (this.#asked = new AbortController());
    const options = steal ? { steal } : { signal: asked.signal };
    const held = (): Promise<void> | undefined => {
      if (this.#asked !== asked) return;
      const released = new Promise<void>((resolve) => (this.#release = resolve));
      this.#core?.granted();
      return released;
    };
    navigator.locks.request(name, options, held).catch(() => {
      // Let go of on purpose, or never to be had: without a lock a tab has a stream of its own.
      if (this.#asked !== asked || !this.#release) return;
      this.#asked = this.#release = null;
      this.#core?.stolen();
    });
  }

  /** Everything of this origin can post here: what is not ours is nothing. */
  #hear(data: unknown): void {
    if (!Array.isArray(data) || !data.slice(0, 5).every(Number.isSafeInteger) || typeof data[5] !== "string") return;
    if (data[0] === STATE) this.#mirrored = shown(data[6]);
    this.#core?.hear(...(data.slice(0, 6) as PostTo));
  }
}

/** A state that can be posted: an error does not keep its class. */
function plain(state: ConnectionState): unknown {
  return "retryAt" in state && { ...state, reason: { ...state.reason, message: state.reason.message } };
}

function shown(posted: unknown): ConnectionState | null {
  const state = posted as ({ status: "reconnecting" } & Outage) | null;
  const { kind, code, message, ...rest } = state?.reason ?? ({} as BackendEventError);
  return state && Object.freeze({ ...state, reason: new BackendEventError(kind, code, message, rest) });
}
