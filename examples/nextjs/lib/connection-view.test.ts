import type { ConnectionState } from "@tidings/coaching-events";
import { describe, expect, it } from "vitest";
import { connectionView, secondsUntil } from "./connection-view";

const outage = { since: 0, attempt: 2, retryAt: 5_000, reason: new Error("gone") };
const view = (state: unknown) => connectionView(state as ConnectionState);

describe("connectionView", () => {
  it.each(["idle", "connecting", "online"])("%s is quiet", (status) => {
    expect(view({ status, since: 0 })).toMatchObject({ place: "quiet", action: null });
  });

  it.each(["reconnecting", "offline", "long-broken"])("%s is trouble with a countdown and a way to retry", (status) => {
    expect(view({ status, ...outage })).toMatchObject({ place: "trouble", action: "retry", retryAt: 5_000 });
  });

  it("unauthorized offers the log-in", () => {
    expect(view({ status: "unauthorized" })).toMatchObject({ place: "trouble", action: "log-in" });
  });

  it("closed is trouble unless the page itself closed it", () => {
    expect(view({ status: "closed", reason: "server-204" })).toMatchObject({ place: "trouble", action: "turn-on" });
    expect(view({ status: "closed", reason: "close()" })).toMatchObject({ place: "quiet" });
  });
});

describe("secondsUntil", () => {
  it("counts whole seconds down to nothing", () => {
    expect([secondsUntil(5_000, 0), secondsUntil(5_000, 4_001), secondsUntil(5_000, 5_000), secondsUntil(null, 0)]).toEqual([5, 1, null, null]);
  });
});
