import type { BackendEventError } from "./error.js";
import type { ConnectionState } from "./types.js";

/** What the Rust side says of a new state; what does not belong to `status` means nothing. */
export type Told = [
  status: ConnectionState["status"],
  since: number,
  attempt: number,
  retryAt: number | undefined,
  resumed: boolean,
  role: "solo" | "leader" | "follower",
  reason: BackendEventError | "close()" | "server-204" | undefined,
];

/** The state as a page sees it: immutable. */
export function stateOf(...[status, since, attempt, retryAt, resumed, role, reason]: Told): ConnectionState {
  const fields = {
    idle: {},
    connecting: { since },
    online: { since, role, resumed },
    unauthorized: { reason },
    closed: { reason },
  } as Partial<Record<string, object>>;
  return Object.freeze({
    status,
    ...(fields[status] ?? { since, attempt, retryAt: retryAt ?? null, reason }),
  }) as ConnectionState;
}
