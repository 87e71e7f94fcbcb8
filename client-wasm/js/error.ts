import type { BackendEventError as Shape, ErrorKind, UnauthorizedError as UnauthorizedShape } from "./types.js";

/** What went wrong, in words a program can decide on: `kind` and `code`. */
export class BackendEventError extends Error implements Shape {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly retryable: boolean;
  declare readonly status?: number;
  declare readonly cause?: unknown;

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    o: { retryable?: boolean; status?: number; cause?: unknown } = {},
  ) {
    super(message);
    this.name = "BackendEventError";
    this.kind = kind;
    this.code = code;
    this.retryable = o.retryable ?? false;
    if (o.status !== undefined) this.status = o.status;
    if (o.cause !== undefined) this.cause = o.cause;
  }
}

/** The credentials are refused. Throw it from `auth` to park the provider until the user logs in again. */
export class UnauthorizedError extends BackendEventError implements UnauthorizedShape {
  constructor(message = "log in again", code = "unauthorized") {
    super("auth", code, message);
    this.name = "UnauthorizedError";
  }
}
