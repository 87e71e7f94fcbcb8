import type { OpenRequest } from "./core.js";
import { BackendEventError } from "./error.js";
import type { BackendEventProviderOptions } from "./types.js";

/** Makes the request of one attempt: where to, with whose credentials, and how the cursor travels. */
export async function openStream(
  options: BackendEventProviderOptions<never>,
  { cursor, connection, reason, attempt, signal }: OpenRequest,
): Promise<Response> {
  const { url: address, auth, credentials = "same-origin", groups, replay = {} } = options;
  const here = typeof location === "undefined" ? undefined : location.href;
  const url = new URL(String(typeof address === "function" ? await address() : address), here);
  const headers = new Headers(auth && (await ask(() => auth({ reason, attempt, signal }))));
  const sameOrigin = here === undefined || new URL(here).origin === url.origin;
  // A cross-origin request with only cookies needs no preflight while nothing but its URL changes. One with
  // credentials in a header needs one anyway, and its answer is remembered by URL: that one must not change.
  const preflighted = !sameOrigin && !headers.entries().next().done;
  const { sendAs = "auto" } = replay;
  const inQuery = sendAs === "query" || (sendAs === "auto" && !sameOrigin && !preflighted);

  url.searchParams.set("tidings", "1");
  if (groups) url.searchParams.set("groups", groups.join(","));
  if (connection !== null) {
    if (preflighted) headers.set("tidings-connection", connection);
    else url.searchParams.set("connection", connection);
  }
  if (cursor !== null) {
    if (inQuery) url.searchParams.set("last_event_id", cursor);
    else headers.set("last-event-id", cursor);
  }
  headers.set("accept", "text/event-stream");
  return (options.fetch ?? fetch)(url.href, { headers, signal, credentials, cache: "no-store" });
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
