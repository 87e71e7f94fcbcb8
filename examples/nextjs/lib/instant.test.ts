import { expect, it } from "vitest";
import { compareInstants } from "./instant";

it.each([
  ["2026-11-23T10:00:00Z", "2026-11-23T10:00:01Z", -1],
  ["2026-11-23T10:00:00.5Z", "2026-11-23T10:00:00.50Z", 0],
  ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000Z", 0],
  ["2026-11-23T10:00:00.123456Z", "2026-11-23T10:00:00.123457Z", -1],
  ["2026-11-23T12:00:00+02:00", "2026-11-23T10:00:00.1Z", -1],
  ["not an instant", "2026-11-23T10:00:00Z", 0],
])("%s against %s is %i", (a, b, sign) => {
  expect(Math.sign(compareInstants(a, b))).toBe(sign);
  expect(Math.sign(compareInstants(b, a))).toBe(sign === 0 ? 0 : -sign);
});
