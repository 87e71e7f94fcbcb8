import { BackendEventError } from "./error.js";
import type { Clock, Unsubscribe } from "./types.js";

/** The way to the server, while the stream is open. */
export interface GroupsDoor {
  /** The stream that is open now; empty while there is none. */
  connection(): string;
  post(connection: string, body: string): Promise<Response>;
  report(error: BackendEventError): void;
  reconnect(): void;
  /** The page reads these. */
  want(groups: string): void;
}

/** The groups that a page reads: those of its options, and those it follows for now. */
export class Groups {
  readonly #always: readonly string[] | undefined;
  /** How many follow each. */
  readonly #followed = new Map<string, number>();
  readonly #clock: Pick<Clock, "setTimeout">;
  #door: GroupsDoor | null = null;
  /** What the server shall hear next, and how often that has changed. */
  #wish = "";
  #wishes = 0;
  /** The server is being told: one thing after the other, or the last might not be the last to arrive. */
  #telling = false;
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

  /** What the page reads. */
  names(): string {
    return this.#always ? ["", ...new Set([...this.#always, ...this.#followed.keys()]), ""].join("\n") : "";
  }

  /** Has the stream that is open read these. */
  ask(wish: string): void {
    this.#wish = wish;
    this.#wishes += 1;
    if (!this.#telling) this.#tell();
  }

  #tell(): void {
    const door = this.#door!;
    const connection = door.connection();
    const wishes = this.#wishes;
    this.#telling = connection !== "";
    if (!connection) return;
    const gone = (): boolean => door.connection() !== connection;
    const next = (): void => {
      this.#telling = false;
      if (this.#wishes !== wishes) this.#tell();
    };
    const again = (): void => {
      // The next stream is asked for all of it, and what has been wished for since comes after that.
      if (gone()) return next();
      this.#clock.setTimeout(() => (gone() ? next() : this.#tell()), Math.min(30_000, 1_000 * 2 ** this.#failures++));
    };
    const take = async (response: Response): Promise<void> => {
      if (response.status >= 500) return again();
      if (response.ok) {
        const { refused } = (await response.json()) as { refused: string[] };
        this.#failures = 0;
        const message = `this user may not read ${refused.join(", ")}`;
        if (refused.length > 0) door.report(new BackendEventError("auth", "group_refused", message));
      } else if (!gone()) {
        // The stream has ended there, or its credentials have: the next request says it all.
        door.reconnect();
      }
      next();
    };
    const groups = this.#wish ? this.#wish.split("\n").slice(1, -1) : null;
    door.post(connection, JSON.stringify({ groups })).then(take).catch(again);
  }

  #count(group: string, by: number): void {
    const count = (this.#followed.get(group) ?? 0) + by;
    if (count > 0) this.#followed.set(group, count);
    else this.#followed.delete(group);
    if (this.#always) queueMicrotask(() => this.#door?.want(this.names()));
  }
}
