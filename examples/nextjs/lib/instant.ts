// Order of RFC 3339 instants, finer than a millisecond: `Date` alone would call two updates in one millisecond equal.

const FRACTION = /\.(\d+)(?=[Zz+-])/;

/** Negative when `a` is earlier than `b`, zero when they are the same instant or one of them is not an instant. */
export function compareInstants(a: string, b: string): number {
  const coarse = wholeSeconds(a) - wholeSeconds(b);
  if (Number.isNaN(coarse)) return 0;
  if (coarse !== 0) return coarse;
  return fraction(a).localeCompare(fraction(b), "en");
}

function wholeSeconds(instant: string): number {
  return Date.parse(instant.replace(FRACTION, ""));
}

function fraction(instant: string): string {
  return (FRACTION.exec(instant)?.[1] ?? "").padEnd(9, "0");
}
