import { BackendEventError } from "./error.js";
import type { Clock, Unsubscribe } from "./types.js";

/** The way to the server, while the stream is open. */
export interface GroupsDoor {
  /** The stream that is open now; empty while there is none. */
  connection(): string;
  post(connection: string, body: string): Promise<Response>;
  report(error: BackendEventError): void;
  reconnect(): void;
}

/** The groups that a page reads: those of its options, and those it follows for now. */
export class Groups {
  readonly #always: readonly string[] | undefined;
  /** How many follow each. */
  readonly #followed = new Map<string, number>();
  readonly #clock: Pick<Clock, "setTimeout">;
  #door: GroupsDoor | null = null;
  /** What the server was last asked for. */
  #asked = "";
  #failures = 0;

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

  /** What a request asks for; `undefined`: all that the server allows. */
  ask(): readonly string[] | undefined {
    const list = this.#always && [...new Set([...this.#always, ...this.#followed.keys()])].sort();
    this.#asked = String(list);
    return list;
  }

  /** Tells the server, if there is a stream that reads other groups. */
  readonly sync = (): void => {
    const connection = this.#door?.connection();
    const asked = this.#asked;
    const groups = this.ask();
    if (!groups || !connection || asked === this.#asked) return;
    const again = (): void => {
      if (this.#door?.connection() !== connection) return;
      this.#asked = "";
      this.#clock.setTimeout(this.sync, Math.min(30_000, 1_000 * 2 ** this.#failures++));
    };
    const take = async (response: Response): Promise<void> => {
      if (response.status >= 500) return again();
      if (!response.ok) {
        // The stream has ended there, or its credentials have: the next request says it all.
        if (this.#door?.connection() === connection) this.#door.reconnect();
        return;
      }
      const { refused } = (await response.json()) as { refused: string[] };
      this.#failures = 0;
      if (refused.length === 0) return;
      const message = `this user may not read ${refused.join(", ")}`;
      this.#door?.report(new BackendEventError("auth", "group_refused", message));
    };
    this.#door!.post(connection, JSON.stringify({ groups })).then(take).catch(again);
  };

  #count(group: string, by: number): void {
    const count = (this.#followed.get(group) ?? 0) + by;
    if (count > 0) this.#followed.set(group, count);
    else this.#followed.delete(group);
    queueMicrotask(this.sync);
  }
}
