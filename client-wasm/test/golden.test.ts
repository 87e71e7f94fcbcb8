// The golden JSON of each event, which Rust reads too: it passes the check and reaches its handler as it is.
import { expect, it, vi } from "vitest";
import { contract, EventType } from "../../bindings/ts/index.js";
import { fixture } from "./support/contract.js";
import { usePage } from "./support/page.js";
import { online } from "./support/provider.js";

usePage();

it("has a member of the enum for each name of the contract", () => {
  expect(Object.values(EventType).sort()).toEqual([...contract.names].sort());
});

it.each(contract.names)("%s reaches its handler unchanged", async (name) => {
  const { provider, connection } = await online();
  const handler = vi.fn();
  const errors = vi.fn();
  provider.on(name, handler);
  provider.onError(errors);
  await connection.event(name, "ep-2");
  expect(errors).not.toHaveBeenCalled();
  expect(handler).toHaveBeenCalledExactlyOnceWith(fixture(name).data, expect.objectContaining({ type: name, id: "ep-2" }));
});

it.each(contract.names)("%s without a payload is refused, and said", async (name) => {
  const { provider, connection } = await online();
  const handler = vi.fn();
  const errors = vi.fn();
  provider.on(name, handler);
  provider.onError(errors);
  await connection.write(name, { type: name }, "ep-2");
  expect(handler).not.toHaveBeenCalled();
  expect(errors).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ kind: "payload" }));
});
