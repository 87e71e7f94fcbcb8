// Requests to the coaching server: unwrapped answers, closed failures, and the headers that tie a request to its events.
import { sentence } from "./format";

export type FailureCode = "unauthorized" | "permission_lost" | "not_found" | "conflict" | "validation_failed" | "unreachable" | "failed";

/** Why a request has no answer to use. `current` is what the server has instead, where a conflict says so. */
export class ApiFailure extends Error {
  constructor(
    readonly code: FailureCode,
    message: string,
    readonly status: number | null,
    readonly correlationId: string,
    readonly current: unknown = null,
  ) {
    super(message);
    this.name = "ApiFailure";
  }
}

export interface Answer<T> {
  readonly data: T;
  /** The position in the event log that the data is at least as new as. */
  readonly cursor: string | null;
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: object;
  readonly signal?: AbortSignal;
  readonly correlationId?: string;
}

/** Longer than any healthy answer, shorter than the patience of somebody who waits for a page. */
const TIMEOUT_MS = 10_000;

const CODES: Readonly<Record<number, FailureCode>> = { 401: "unauthorized", 403: "permission_lost", 404: "not_found", 409: "conflict", 400: "validation_failed", 422: "validation_failed" };

const WORDS: Readonly<Record<FailureCode, string>> = {
  unauthorized: "Your log-in has ended.",
  permission_lost: "You no longer have access to this.",
  not_found: "This does not exist any more.",
  conflict: "Somebody else changed this in the meantime.",
  validation_failed: "This is not valid.",
  unreachable: "The server could not be reached.",
  failed: "The server failed to answer.",
};

export async function call<T>(path: string, request: Call, headers: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
  const correlationId = request.correlationId ?? crypto.randomUUID();
  const form = request.body instanceof URLSearchParams;
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method: request.method ?? "GET",
      credentials: "same-origin",
      cache: "no-store",
      signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
      headers: { accept: "application/json", "x-correlation-id": correlationId, ...(request.body && !form ? { "content-type": "application/json" } : {}), ...headers },
      ...(request.body ? { body: form ? request.body as URLSearchParams : JSON.stringify(request.body) } : {}),
    });
    text = await response.text();
  } catch {
    throw new ApiFailure("unreachable", WORDS.unreachable, null, correlationId);
  }
  const answer = parse(text);
  if (!response.ok) throw failure(response.status, answer, correlationId);
  return { data: (answer as { data?: T } | null)?.data as T, cursor: response.headers.get("tidings-cursor") };
}

function failure(status: number, answer: unknown, correlationId: string): ApiFailure {
  const error = (answer as { error?: { message?: unknown; current?: unknown } } | null)?.error;
  const code = CODES[status] ?? "failed";
  const message = typeof error?.message === "string" ? error.message : WORDS[code];
  return new ApiFailure(code, code === "validation_failed" ? sentence(message) : message, status, correlationId, error?.current ?? null);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
