/** A contract for the tests and a count of the providers it has open. */
import { createTestProvider, type TestProvider } from "../../js/testing.js";
import { BackendEventError } from "../../js/error.js";
import type { BackendEventProviderOptions, BoundContract, ConnectionState } from "../../js/types.js";

export interface Events {
  note_created: { body: string };
  note_deleted: { id: string };
}

export interface Made {
  readonly provider: TestProvider<Events>;
  readonly options: BackendEventProviderOptions<Events>;
}

export interface CountingContract extends BoundContract<Events> {
  /** Every provider made so far, also those of renders that React threw away. */
  readonly made: Made[];
  /** Those that were opened and not closed. */
  open(): TestProvider<Events>[];
  /** The only one open; throws when there is not exactly one. */
  only(): TestProvider<Events>;
  /** The most that were open at any moment. */
  readonly peak: number;
  /** How often a provider left idle or closed. */
  readonly opened: number;
}

export function countingContract(): CountingContract {
  const made: Made[] = [];
  const open = (): TestProvider<Events>[] => made.map((m) => m.provider).filter((p) => isOpen(p.state));
  const counts = { peak: 0, opened: 0 };
  const create = (options: BackendEventProviderOptions<Events>): TestProvider<Events> => {
    const provider = createTestProvider<Events>();
    provider.onState((now, previous) => {
      if (isOpen(now) && !isOpen(previous)) counts.opened += 1;
      counts.peak = Math.max(counts.peak, open().length);
    });
    if (options.autoConnect !== false) queueMicrotask(() => provider.connect());
    made.push({ provider, options });
    return provider;
  };
  return {
    BackendEventProvider: class {
      constructor(options: BackendEventProviderOptions<Events>) {
        return create(options);
      }
    } as unknown as CountingContract["BackendEventProvider"],
    createBackendEventProvider: create,
    made,
    open,
    only() {
      const [first, ...rest] = open();
      if (first === undefined || rest.length > 0) throw new Error(`${open().length} providers are open`);
      return first;
    },
    get peak() {
      return counts.peak;
    },
    get opened() {
      return counts.opened;
    },
  };
}

export const online = (since = 0): ConnectionState => ({ status: "online", since, role: "solo", resumed: false });

export function outage(status: "reconnecting" | "offline" | "long-broken", since: number, attempt = 1): ConnectionState {
  return { status, since, attempt, retryAt: null, reason: error() };
}

export function error(): BackendEventError {
  return new BackendEventError("transport", "stream_ended", "the stream ended", { retryable: true });
}

const isOpen = (s: ConnectionState): boolean => s.status !== "idle" && s.status !== "closed";
