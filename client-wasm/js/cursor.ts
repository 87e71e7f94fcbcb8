import type { Cursor } from "./types.js";

/** `<epoch>-<sequence>`. The epoch may contain hyphens, the sequence is decimal. */
const CURSOR = /^([A-Za-z0-9._~:-]{1,107})-(\d{1,20})$/;

/**
 * The earliest of the cursors that several parallel loads brought: what the page shows is at least as new as
 * this. None where one of them is missing or they stand in different epochs, which cannot be compared: the
 * stream then begins with a resync.
 */
export function earliestCursor(...cursors: readonly (Cursor | undefined)[]): Cursor {
  let earliest: { text: string; epoch: string; sequence: bigint } | null = null;
  for (const text of cursors) {
    const parts = CURSOR.exec(text ?? "");
    if (!text || !parts) return null;
    const epoch = parts[1]!;
    const sequence = BigInt(parts[2]!);
    if (earliest && earliest.epoch !== epoch) return null;
    if (!earliest || sequence < earliest.sequence) earliest = { text, epoch, sequence };
  }
  return earliest?.text ?? null;
}

/** The cursor of a tab that outlives a reload, by user, stream and groups: it speaks for no others. */
export class SessionCursor {
  readonly #stream: readonly unknown[];

  constructor(url: string, groups: readonly string[] | undefined) {
    this.#stream = groups ? [url, [...new Set(groups)].sort()] : [url];
  }

  read(identity: string | null): Cursor {
    return attempt((storage) => storage.getItem(this.#key(identity))) ?? null;
  }

  write(identity: string | null, cursor: Cursor): void {
    attempt((storage) => {
      if (cursor === null) storage.removeItem(this.#key(identity));
      else storage.setItem(this.#key(identity), cursor);
    });
  }

  #key(identity: string | null): string {
    return `tidings:cursor:${JSON.stringify([...this.#stream, identity])}`;
  }
}

/** A page may be denied its storage, and reading the property alone then throws. */
function attempt<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}
