import type { BodyReader, Host } from "./core.js";
import { BackendEventError, UnauthorizedError } from "./error.js";
import type { Requests } from "./request.js";
import type { Tabs } from "./tabs.js";
import type { BackendEventProviderOptions, Clock, Cursor } from "./types.js";

/** What only the façade knows. */
export type Facade = Pick<
  Host,
  "shares" | "groups" | "follow" | "state" | "event" | "resync" | "release" | "report" | "mirror" | "contractChange"
> & {
  readonly requests: Requests;
  readonly tabs: Tabs;
  /** A request is made. */
  attempt(): void;
  /** The stream has written something. */
  heard(at: number): void;
  /** The cursor kept over a reload, which wins over `replay.from`. */
  keptCursor(): Cursor;
};

/** Some 430 events of usual size: a burst is read in blocks of a few milliseconds, between which the page lives. */
const SLICE = 131_072;

const CLOCK: Clock = {
  now: () => Date.now(),
  random: Math.random,
  setTimeout: (f, ms) => setTimeout(f, ms),
  clearTimeout: (t) => clearTimeout(t as ReturnType<typeof setTimeout>),
};

/** Whether there is a page, or a worker of one. On a server nothing ever connects. */
export function isBrowser(): boolean {
  return typeof window !== "undefined" || typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== "undefined";
}

/** What can be listened to: React Native has a `window` that cannot. */
function target(of: unknown): EventTarget | undefined {
  return (of as Partial<EventTarget> | null | undefined)?.addEventListener && (of as EventTarget);
}

/** The options as the Rust side reads them. */
export function hostOf(options: BackendEventProviderOptions<never>, facade: Facade): Host {
  const { retry = {}, timeouts = {}, replay = {}, auth, networkTarget } = options;
  const clock = options.clock ?? CLOCK;
  const page = globalThis.window as Window | undefined;
  const { requests } = facade;
  let controller = new AbortController();
  return {
    shares: facade.shares,
    groups: facade.groups,
    clock,
    network: target(networkTarget === undefined ? globalThis : networkTarget),
    page: target(page),
    document: target(page?.document),
    renewable: auth !== undefined,
    baseMs: retry.baseMs,
    capMs: retry.capMs,
    healthyAfterMs: retry.healthyAfterMs,
    connectMs: timeouts.connectMs,
    idleMs: timeouts.idleMs,
    longBrokenMs: timeouts.longBrokenMs,
    online: () => typeof navigator === "undefined" || navigator.onLine !== false,
    from: async () => {
      const kept = facade.keptCursor();
      if (kept !== null) return kept;
      return typeof replay.from === "function" ? replay.from() : replay.from;
    },
    open: async (...request) => {
      facade.attempt();
      controller.abort();
      const { signal } = (controller = new AbortController());
      const { status, headers, body } = await requests.open(signal, ...request);
      const retry = headers.get("retry-after") ?? "";
      const reader: BodyReader | undefined = status === 200 ? body?.getReader() : undefined;
      // A stream that ignores its signal is told by hand, and nobody waits for its answer.
      const leave = (): void => {
        if (!reader) return;
        reader.gone = true;
        reader.cancel().catch(() => {});
      };
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave);
      return {
        status,
        type: headers.get("content-type"),
        // In either of its forms (RFC 9110, 10.2.3); `NaN` where it is neither.
        retryMs: retry && +retry >= 0 ? +retry * 1_000 : Date.parse(retry) - clock.now(),
        reader,
      };
    },
    abort: () => controller.abort(),
    next: async (reader) => {
      let { rest } = reader;
      // Nobody feels how long the task of a hidden page is, and its timers come late.
      if (rest) await (page?.document?.hidden || new Promise<void>((resolve) => clock.setTimeout(resolve, 0)));
      else {
        const read = await reader.read();
        if (read.done) return read;
        facade.heard(clock.now());
        rest = read.value;
      }
      if (reader.gone) return { done: true };
      reader.rest = rest.length > SLICE && rest.subarray(SLICE);
      return { value: rest.subarray(0, SLICE) };
    },
    alive: (connection) => requests.alive(connection),
    settled: (promise, then, number) => {
      Promise.resolve(promise).then(
        (value) => then(number, true, value),
        (reason: unknown) => then(number, false, reason),
      );
    },
    error: (kind, code, message, retryable, status) =>
      kind === "auth" && !retryable
        ? new UnauthorizedError(message, code)
        : new BackendEventError(kind, code, message, { retryable, status }),
    follow: facade.follow,
    lock: (what) => facade.tabs.lock(what),
    post: (...post) => facade.tabs.post(...post),
    mirror: facade.mirror,
    state: facade.state,
    event: facade.event,
    resync: facade.resync,
    release: facade.release,
    report: facade.report,
    contractChange: facade.contractChange,
  };
}
