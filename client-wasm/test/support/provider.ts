import { afterEach } from "vitest";
import type { BackendEventError } from "../../js/error.js";
import type { BackendEventProviderInstance, BackendEventProviderOptions } from "../../js/types.js";
import { ManualClock } from "./clock.js";
import { bound, type Events } from "./contract.js";
import { quiet, Server } from "./server.js";

export interface Stage {
  provider: BackendEventProviderInstance<Events>;
  server: Server;
  clock: ManualClock;
  errors: BackendEventError[];
}

const open: BackendEventProviderInstance<Events>[] = [];
afterEach(() => open.splice(0).forEach((provider) => provider.close()));

/** A provider over a scripted server and a clock that stands still. */
export function stage(options: Partial<BackendEventProviderOptions<Events>> = {}): Stage {
  const server = new Server();
  const clock = new ManualClock();
  const errors: BackendEventError[] = [];
  const provider = new bound.BackendEventProvider({
    url: "http://page.test/sse",
    fetch: server.fetch,
    networkTarget: null,
    clock,
    logger: false,
    ...options,
  });
  provider.onError((error) => void errors.push(error as BackendEventError));
  open.push(provider);
  return { provider, server, clock, errors };
}

/** The same, online, its first resync settled. */
export async function online(options: Partial<BackendEventProviderOptions<Events>> = {}) {
  const parts = stage(options);
  const connection = await parts.server.next();
  await connection.hello();
  await quiet();
  return { ...parts, connection };
}
