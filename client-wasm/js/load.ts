import type { Core, Released } from "./core.js";
import { BackendEventError } from "./error.js";

/** One `load` that has not settled. */
interface Running {
  /** Names the hold on the Rust side; `null` while no events can come. */
  hold: number | null;
  released(cause: Released): void;
}

/** The page loads that run: each holds events back from its call until it settles. */
export class Loads {
  readonly #running = new Set<Running>();
  #core: Core | null = null;
  /** Whether events can come. */
  #open = false;

  /** Events can come from now on: what runs already holds them too. */
  open(core: Core): void {
    if (this.#open) return;
    this.#core = core;
    this.#open = true;
    for (const running of [...this.#running]) {
      if (running.hold === null) this.#hold(running);
    }
  }

  /** Nobody waits for this hold any more. */
  release(hold: number, cause: Released): void {
    for (const running of [...this.#running]) {
      if (running.hold === hold) running.released(cause);
    }
  }

  /** No event can come until `open`. */
  shut(): void {
    this.#open = false;
  }

  run<T>(fn: (o: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let controller: AbortController;
      const fail = (error: unknown): void => {
        this.#running.delete(running);
        reject(error);
        controller.abort(error);
      };
      const start = (): void => {
        const mine = (controller = new AbortController());
        if (!this.#hold(running)) {
          return fail(new BackendEventError("config", "too_many_loads", "more than 256 page loads run at once"));
        }
        const end = (ok: boolean, conclude: () => void): void => {
          if (controller !== mine || !this.#running.delete(running)) return;
          conclude();
          const { hold } = running;
          // Whoever awaits the result applies it first: events that are newer follow in the next task.
          if (hold !== null) nextTask(() => this.#core?.settle(hold, ok));
        };
        invoke(fn, mine.signal).then(
          (value) => end(true, () => resolve(value)),
          (error: unknown) => end(false, () => reject(error)),
        );
      };
      const running: Running = {
        hold: null,
        released: (cause) => {
          running.hold = null;
          if (cause === "superseded") {
            controller.abort();
            start();
          } else if (cause !== "closed") {
            fail(calledOff(cause));
          }
        },
      };
      this.#running.add(running);
      start();
    });
  }

  #hold(running: Running): boolean {
    if (!this.#core || !this.#open) return true;
    running.hold = this.#core.hold() ?? null;
    return running.hold !== null;
  }
}

async function invoke<T>(fn: (o: { signal: AbortSignal }) => Promise<T>, signal: AbortSignal): Promise<T> {
  return fn({ signal });
}

function calledOff(cause: "timeout" | "overflow"): BackendEventError {
  return cause === "timeout"
    ? new BackendEventError("handler", "resync_timeout", "the page was not loaded in time; events are no longer held")
    : new BackendEventError("handler", "hold_overflow", "too many events came while the page was loaded");
}

/** Not a timer: those are throttled in hidden tabs. */
function nextTask(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}
