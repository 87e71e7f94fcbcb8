/** A server in the page's own process: each request waits for the test to answer it. */
import { fixture, type Events } from "./contract.js";

export class Connection {
  readonly url: URL;
  readonly headers: Headers;
  readonly init: RequestInit;
  readonly #respond: (response: Response) => void;
  readonly #fail: (error: Error) => void;
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(
    url: string,
    init: RequestInit,
    respond: (response: Response) => void,
    fail: (error: Error) => void,
  ) {
    this.url = new URL(url);
    this.init = init;
    this.headers = new Headers(init.headers);
    this.#respond = respond;
    this.#fail = fail;
    init.signal?.addEventListener("abort", () => {
      fail(new Error("aborted"));
      this.#stream?.error(new Error("aborted"));
      this.#stream = null;
    });
  }

  get isOpen(): boolean {
    return this.#stream !== null;
  }

  /** An answer that is no stream. */
  answer(status: number, headers: Record<string, string> = {}, body: string | null = null): void {
    this.#respond(new Response(body, { status, headers }));
  }

  refuse(): void {
    this.#fail(new TypeError("Failed to fetch"));
  }

  /** Opens the stream and says hello. */
  async hello(o: { resumed?: "fresh" | "replayed" | "gap"; id?: string | null; until?: string; subject?: string; revision?: number; alive?: number } = {}): Promise<void> {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (this.#stream = controller) });
    this.#respond(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    const { resumed = "fresh", id = "ep-1", until, subject = "s", revision = 1, alive } = o;
    const hello = {
      connection_id: "c1",
      subject,
      resumed,
      replay_until: until,
      heartbeat_ms: 15000,
      alive_ms: alive,
      contract: { revision, hash: "" },
      groups: "",
    };
    await this.write("tidings:hello", hello, resumed === "gap" ? null : id);
  }

  async gap(id: string, reason = "retention", groups: string[] = []): Promise<void> {
    await this.write("tidings:gap", { reason }, id, groups);
  }

  /** An event of the contract, its golden payload changed where the test says so. */
  async event(name: keyof Events, id: string, o: { data?: object; meta?: object; groups?: string[] } = {}): Promise<void> {
    const golden = fixture(name);
    await this.write(name, { ...golden, data: { ...golden.data, ...o.data }, meta: o.meta }, id, o.groups);
  }

  async write(name: string, data: unknown, id: string | null, groups: string[] = []): Promise<void> {
    const line = groups.map((group) => `group: ${group}\n`).join("") + (id === null ? "" : `id: ${id}\n`);
    await this.raw(`${line}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Bytes as they are; settles when the provider has had them. */
  async raw(text: string): Promise<void> {
    this.#stream?.enqueue(new TextEncoder().encode(text));
    await quiet();
  }

  async end(): Promise<void> {
    this.#stream?.close();
    this.#stream = null;
    await quiet();
  }
}

export class Server {
  readonly #taken: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  requests = 0;

  readonly fetch = ((url: string, init: RequestInit) =>
    new Promise<Response>((respond, fail) => {
      this.requests += 1;
      const connection = new Connection(url, init, respond, fail);
      const waiting = this.#waiting.shift();
      if (waiting) waiting(connection);
      else this.#taken.push(connection);
    })) as unknown as typeof fetch;

  /** The next request that has not been looked at. */
  next(): Promise<Connection> {
    const connection = this.#taken.shift();
    return connection ? Promise.resolve(connection) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** When every promise that can settle has: the queue of microtasks and of messages is empty. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
