/** What the suite runs over: a provider that is online, and the hand that makes events come. */
import { vi } from "vitest";
import type { BackendEventError } from "../../js/error.js";
import { createTestProvider } from "../../js/testing.js";
import type { BackendEventProviderInstance, ResyncReason } from "../../js/types.js";
import { fixture, type Events } from "../support/contract.js";
import { online } from "../support/provider.js";
import { quiet } from "../support/server.js";

export interface Subject {
  readonly provider: BackendEventProviderInstance<Events>;
  readonly errors: BackendEventError[];
  /** The golden event of this name comes with the id `ep-<sequence>`. */
  emit(name: keyof Events, sequence: number): Promise<void>;
  emitUnknown(name: string, sequence: number): Promise<void>;
  gap(reason: ResyncReason, sequence: number): Promise<void>;
  /** Ten seconds pass. */
  tooLong(): Promise<void>;
}

export interface Kind {
  readonly name: string;
  /** Whoever is signed in is `carla`. */
  make(): Promise<Subject>;
}

/** The façade over the real wasm, at the end of a scripted stream. */
const real: Kind = {
  name: "the real provider",
  async make() {
    const { provider, connection, clock, errors } = await online({ identity: "carla" });
    return {
      provider,
      errors,
      emit: (name, sequence) => connection.event(name, `ep-${sequence}`),
      emitUnknown: (name, sequence) => connection.write(name, { type: name, data: {} }, `ep-${sequence}`),
      gap: (reason, sequence) => connection.gap(`ep-${sequence}`, reason),
      async tooLong() {
        clock.advance(10_000);
        await quiet();
      },
    };
  },
};

/** What a test of an app has in its place. */
const forTests: Kind = {
  name: "the test provider",
  async make() {
    const provider = createTestProvider<Events>();
    const errors: BackendEventError[] = [];
    provider.onError((error) => void errors.push(error as BackendEventError));
    provider.setIdentity("carla");
    provider.setState({ status: "online", since: 0, role: "solo", resumed: false });
    const then = async (act: () => void): Promise<void> => {
      act();
      await quiet();
    };
    return {
      provider,
      errors,
      emit: (name, sequence) => then(() => provider.emit(name, fixture(name).data as never, { id: `ep-${sequence}` })),
      emitUnknown: (name, sequence) => then(() => provider.emitUnknown(name, {}, { id: `ep-${sequence}` })),
      gap: (reason) => then(() => provider.resync(reason)),
      tooLong: () => then(() => provider.timeOut()),
    };
  },
};

export const kinds: readonly Kind[] = [real, forTests];

/** A list that handlers write to, and a handler that writes the event's id. */
export function record() {
  const log: string[] = [];
  return { log, id: vi.fn((_: unknown, meta: { id: string | null }) => void log.push(meta.id!)) };
}

/** A promise and its end. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...ends) => ([resolve, reject] = ends));
  return { promise, resolve, reject };
}
