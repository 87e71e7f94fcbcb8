import type { OpenRequest } from "./core.js";
import { BackendEventError } from "./error.js";
import { listOf } from "./groups.js";
import type { BackendEventProviderOptions } from "./types.js";

/** Makes the requests of a provider: where to, with whose credentials, and how the cursor travels. */
export class Requests {
  readonly #options: BackendEventProviderOptions<never>;
  /** Where the last stream was asked for, and with which of the app's headers. */
  #last: { url: URL; headers: HeadersInit | undefined } | null = null;

  constructor(options: BackendEventProviderOptions<never>) {
    this.#options = options;
  }

  /** One attempt. */
  async open(signal: AbortSignal, ...[cursor, connection, renew, attempt, groups]: OpenRequest): Promise<Response> {
    const reason = renew ? "rejected" : "connect";
    const { url: address, auth, credentials = "same-origin", replay = {} } = this.#options;
    const here = typeof location === "undefined" ? undefined : location.href;
    const url = new URL(String(typeof address === "function" ? await address() : address), here);
    const given = auth && (await ask(() => auth({ reason, attempt, signal })));
    this.#last = { url: new URL(url), headers: given };
    const headers = new Headers(given);
    const sameOrigin = here === undefined || new URL(here).origin === url.origin;
    // A cross-origin request with only cookies needs no preflight while nothing but its URL changes. One with
    // credentials in a header needs one anyway, and its answer is remembered by URL: that one must not change.
    const preflighted = !sameOrigin && !headers.entries().next().done;
    const { sendAs = "auto" } = replay;
    const inQuery = sendAs === "query" || (sendAs === "auto" && !sameOrigin && !preflighted);

    url.searchParams.set("tidings", "1");
    const [asked, known] = groups.split("\0");
    if (asked) url.searchParams.set("groups", String(listOf(asked)));
    if (connection) {
      if (preflighted) headers.set("tidings-connection", connection);
      else url.searchParams.set("connection", connection);
    }
    if (cursor) {
      if (known) url.searchParams.set("known", String(listOf(known)));
      if (inQuery) url.searchParams.set("last_event_id", cursor);
      else headers.set("last-event-id", cursor);
    }
    headers.set("accept", "text/event-stream");
    // With `no-store` Chromium asks the cache of preflights neither; the server's answer forbids to keep it anyway.
    return this.#fetch(url, { headers, signal, credentials, cache: preflighted ? "default" : "no-store" });
  }

  /** `POST alive`, with what opened the stream. Nobody waits for it: the next one follows. */
  alive(connection: string): void {
    this.post("alive", connection).catch(() => {});
  }

  /** `POST` beside the stream, with what opened it. */
  async post(what: "alive" | "groups", connection: string, body?: string, signal?: AbortSignal): Promise<Response> {
    const { url: last, headers } = this.#last!;
    const url = new URL(last);
    url.pathname = url.pathname.replace(/\/?$/, `/${what}`);
    url.searchParams.set("connection", connection);
    const { credentials = "same-origin" } = this.#options;
    return this.#fetch(url, { method: "POST", headers, body, signal, credentials, keepalive: true });
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    return (this.#options.fetch ?? fetch)(url.href, init);
  }
}

/** What `auth` throws is a matter of credentials: an `UnauthorizedError` parks, anything else is tried again. */
async function ask(auth: () => Promise<{ headers: Record<string, string> } | null>): Promise<HeadersInit | undefined> {
  try {
    return (await auth())?.headers;
  } catch (cause) {
    if (cause instanceof BackendEventError && cause.kind === "auth") throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BackendEventError("auth", "auth_failed", message, { retryable: true, cause });
  }
}
