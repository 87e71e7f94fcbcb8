import type { PartState } from "@tidings/client/combine";
import { describe, expect, it } from "vitest";
import { connectionWords } from "./connection-view";

const part = (name: string, status: PartState["status"]): PartState => ({ name, status, since: 0, unsynced: false });

describe("connectionWords", () => {
  it.each(["reconnecting", "offline", "editing-offline", "long-broken", "unauthorized", "closed"])("%s says what it means", (status) => {
    expect(connectionWords(status).detail).toMatch(/\.$/);
  });

  it("a page that has not begun is about to connect", () => {
    expect(connectionWords("idle")).toEqual(connectionWords("connecting"));
  });

  it("tells notes without a connection from a page without one", () => {
    const both = connectionWords("long-broken", [part("events", "long-broken"), part("notes", "long-broken")]);
    expect(both).toEqual(connectionWords("long-broken"));
    expect(connectionWords("long-broken", [part("events", "online"), part("notes", "long-broken")]).title).toContain("notes");
    expect(connectionWords("long-broken", [part("events", "long-broken"), part("notes", "online")])).toEqual(both);
  });
});
