import { BackendEventError } from "./error.js";
import type { Clock, Unsubscribe } from "./types.js";

/** The way to the server, while the stream is open. */
export interface GroupsDoor {
  post(connection: string, body: string, signal: AbortSignal): Promise<Response>;
  report(error: BackendEventError): void;
  reconnect(): void;
  /** The page reads these. */
  want(groups: string): void;
}

/** The names in a text of Rust's `protocol::Names`. */
export function listOf(names: string): string[] {
  return names.split("\n").slice(1, -1);
}

/** The groups that a page reads: those of its options, and those it follows for now. */
export class Groups {
  readonly #always: readonly string[] | undefined;
  /** How many follow each. */
  readonly #followed = new Map<string, number>();
  readonly #clock: Pick<Clock, "setTimeout">;
  #door: GroupsDoor | null = null;
  /** The end of the stream that is open, since it has been asked for something; and what it was asked for, one by one. */
  #end: AbortController | null = null;
  #told = Promise.resolve();

  constructor(always: readonly string[] | undefined, clock: Pick<Clock, "setTimeout"> = globalThis) {
    this.#always = always;
    this.#clock = clock;
  }

  open(door: GroupsDoor): void {
    this.#door = door;
  }

  follow(group: string): Unsubscribe {
    this.#count(group, 1);
    let follows = true;
    return () => {
      if (follows) this.#count(group, -1);
      follows = false;
    };
  }

  /** What the page reads. */
  names(): string {
    return this.#always ? ["", ...new Set([...this.#always, ...this.#followed.keys()]), ""].join("\n") : "";
  }

  /** Has the stream that is open read these: one request after the other, or the last might not be the last to arrive. */
  ask(connection: string, wish: string): void {
    const before = this.#end ? this.#told : Promise.resolve();
    const { signal } = (this.#end ??= new AbortController());
    this.#told = before.then(() => this.#tell(connection, wish, signal));
  }

  /** The stream has ended: what the next one reads, its request says. */
  leave(): void {
    this.#end?.abort();
    this.#end = null;
  }

  async #tell(connection: string, wish: string, signal: AbortSignal): Promise<void> {
    const door = this.#door!;
    const body = JSON.stringify({ groups: wish ? listOf(wish) : null });
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const response = await door.post(connection, body, signal);
        if (response.ok) {
          const { refused } = (await response.json()) as { refused: string[] };
          if (refused[0]) door.report(new BackendEventError("auth", "group_refused", `this user may not read ${refused}`));
        } else if (response.status < 500 && !signal.aborted) {
          // The stream has ended there, or its credentials have: the next request says it all.
          door.reconnect();
        }
        if (response.status < 500) return;
      } catch {
        // A network or a server in trouble.
      }
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, Math.min(30_000, 1_000 * 2 ** failures)));
    }
  }

  #count(group: string, by: number): void {
    const count = (this.#followed.get(group) ?? 0) + by;
    if (count > 0) this.#followed.set(group, count);
    else this.#followed.delete(group);
    if (this.#always) queueMicrotask(() => this.#door?.want(this.names()));
  }
}
