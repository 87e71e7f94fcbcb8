import { BackendEventError } from "./error.js";
import type { Clock, Unsubscribe } from "./types.js";

/** The way to the server, while the stream is open. */
export interface GroupsDoor {
  post(connection: string, body: string): Promise<Response>;
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
  /** The stream that is open, since it has been asked for something. */
  #connection = "";
  /** What the server shall hear, how often that has changed, and up to which change it has heard it. */
  #wish = "";
  #wishes = 0;
  #told = 0;
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

  /** Has the stream that is open read these: one request after the other, or the last might not be the last to arrive. */
  async ask(connection: string, wish: string): Promise<void> {
    const idle = this.#wishes === this.#told;
    this.#connection = connection;
    this.#wish = wish;
    this.#wishes += 1;
    while (idle && this.#told !== this.#wishes) {
      const wishes = this.#wishes;
      const asked = this.#connection;
      const open = (): boolean => asked !== "" && this.#connection === asked;
      if (open() && !(await this.#tell(asked, open)) && open()) {
        await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, Math.min(30_000, 1_000 * 2 ** this.#failures++)));
        if (open()) continue;
      }
      // What another stream reads, its request has said.
      this.#told = wishes;
    }
  }

  /** The stream has ended. */
  leave(): void {
    this.#connection = "";
  }

  /** Whether that is settled. */
  async #tell(connection: string, open: () => boolean): Promise<boolean> {
    const door = this.#door!;
    try {
      const response = await door.post(connection, JSON.stringify({ groups: this.#wish ? listOf(this.#wish) : null }));
      if (response.status >= 500) return false;
      if (response.ok) {
        const { refused } = (await response.json()) as { refused: string[] };
        this.#failures = 0;
        if (refused[0]) door.report(new BackendEventError("auth", "group_refused", `this user may not read ${refused.join(", ")}`));
      } else if (open()) {
        // The stream has ended there, or its credentials have: the next request says it all.
        door.reconnect();
      }
      return true;
    } catch {
      return false;
    }
  }

  #count(group: string, by: number): void {
    const count = (this.#followed.get(group) ?? 0) + by;
    if (count > 0) this.#followed.set(group, count);
    else this.#followed.delete(group);
    if (this.#always) queueMicrotask(() => this.#door?.want(this.names()));
  }
}
