/** A provider of the coaching events without a server, for tests of an app: `@tidings/client/testing`, typed by their map. */
import { createTestProvider as create, type TestProvider as Of } from "@tidings/client/testing";
import type { Events } from "./contract.js";

export type { EmittedMeta } from "@tidings/client/testing";

/** The provider's surface and the test's side of it. */
export type TestProvider = Of<Events>;

/** A provider in `idle`; what arrives and where the connection stands is the test's to say. */
export function createTestProvider(): TestProvider {
  return create<Events>();
}
