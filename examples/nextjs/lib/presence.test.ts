import { describe, expect, it } from "vitest";
import { shownPresence } from "./presence";

describe("shownPresence", () => {
  it("is what the stream says", () => {
    expect(shownPresence("reconnecting", false)).toBe("reconnecting");
    expect(shownPresence(undefined, false)).toBe("offline");
  });

  it("believes the notes when they see somebody write", () => {
    expect(shownPresence("online", true)).toBe("writing");
    expect(shownPresence("offline", true)).toBe("writing");
  });
});
