// One kind of entity on a page: what the server confirmed, and the changes of this tab that it has not answered yet.
//
// Every function is a fold `(collection, input) -> collection`, idempotent where the input may come twice, and returns
// the very same collection when nothing changes.
import { compareInstants } from "./instant";

export interface Entity {
  readonly id: string;
  readonly created_at?: string;
  readonly updated_at?: string;
}

/** A change of this tab. Its id is the request's correlation id, so that the change's own event settles it as well. */
export type Change<T extends Entity> =
  | { readonly kind: "put"; readonly id: string; readonly entity: T }
  | { readonly kind: "remove"; readonly id: string; readonly entityId: string };

export interface Collection<T extends Entity> {
  /** Confirmed by a load, an event or an answer. */
  readonly confirmed: ReadonlyMap<string, T>;
  /** Removed since the last load: an older update that arrives late must not bring one back. */
  readonly removed: ReadonlySet<string>;
  /** Shown as if saved, until answered or refused. */
  readonly pending: readonly Change<T>[];
  /** Changes whose answer is in `confirmed`, since the last load: their own events say nothing new. */
  readonly answered: readonly string[];
}

export interface Row<T extends Entity> {
  readonly entity: T;
  readonly saving: boolean;
}

/** Enough for any page; a bound, so that a page left open for weeks does not grow. */
const REMEMBERED = 1_000;

export function empty<T extends Entity>(): Collection<T> {
  return { confirmed: new Map(), removed: new Set(), pending: [], answered: [] };
}

/** A load's result. An entity that an answer made newer while the load was under way stays. */
export function replace<T extends Entity>(collection: Collection<T>, loaded: readonly T[]): Collection<T> {
  const confirmed = new Map(loaded.map((entity) => [entity.id, newer(collection.confirmed.get(entity.id), entity)]));
  return { ...collection, confirmed, removed: new Set(), answered: [] };
}

/** A created or updated entity: the newer of the two stays, and what was removed stays away. */
export function patch<T extends Entity>(collection: Collection<T>, entity: T): Collection<T> {
  if (entity.updated_at !== undefined && collection.removed.has(entity.id)) return collection;
  const known = collection.confirmed.get(entity.id);
  if (known !== undefined && newer(known, entity) === known) return collection;
  return { ...collection, confirmed: new Map(collection.confirmed).set(entity.id, entity) };
}

export function remove<T extends Entity>(collection: Collection<T>, id: string): Collection<T> {
  if (!collection.confirmed.has(id) && collection.removed.has(id)) return collection;
  const confirmed = new Map(collection.confirmed);
  confirmed.delete(id);
  return { ...collection, confirmed, removed: new Set([...collection.removed, id].slice(-REMEMBERED)) };
}

export function begin<T extends Entity>(collection: Collection<T>, change: Change<T>): Collection<T> {
  return { ...collection, pending: [...collection.pending, change] };
}

/** The server accepted the change; `entity` is its answer. Where it answers without one, what was sent holds, if it has a name already. */
export function answer<T extends Entity>(collection: Collection<T>, change: Change<T>, entity: T | null): Collection<T> {
  const settled = settle(collection, change.id);
  const applied = change.kind === "remove" ? remove(settled, change.entityId) : accept(settled, change.entity, entity);
  return { ...applied, answered: [...applied.answered, change.id].slice(-REMEMBERED) };
}

/** The server refused the change: it is undone, and what the server has instead is shown where it said so. */
export function refuse<T extends Entity>(collection: Collection<T>, changeId: string, current: T | null): Collection<T> {
  const settled = settle(collection, changeId);
  return current === null ? settled : patch(settled, current);
}

/** The change's own event came before its answer. */
export function settle<T extends Entity>(collection: Collection<T>, changeId: string | null): Collection<T> {
  if (!collection.pending.some((change) => change.id === changeId)) return collection;
  return { ...collection, pending: collection.pending.filter((change) => change.id !== changeId) };
}

/** What to show: confirmed entities in the order of their creation with the pending changes laid over them. */
export function rows<T extends Entity>(collection: Collection<T>): Row<T>[] {
  const shown = new Map<string, Row<T>>();
  for (const entity of [...collection.confirmed.values()].sort(byCreation)) shown.set(entity.id, { entity, saving: false });
  for (const change of collection.pending) {
    if (change.kind === "put") shown.set(change.entity.id, { entity: change.entity, saving: true });
    else shown.delete(change.entityId);
  }
  return [...shown.values()];
}

function accept<T extends Entity>(collection: Collection<T>, sent: T, answered: T | null): Collection<T> {
  if (answered !== null) return patch(collection, answered);
  return collection.confirmed.has(sent.id) ? patch(collection, sent) : collection;
}

function newer<T extends Entity>(known: T | undefined, incoming: T): T {
  if (known?.updated_at === undefined || incoming.updated_at === undefined) return incoming;
  return compareInstants(incoming.updated_at, known.updated_at) < 0 ? known : incoming;
}

function byCreation(a: Entity, b: Entity): number {
  if (a.created_at === undefined || b.created_at === undefined) return 0;
  return compareInstants(a.created_at, b.created_at) || a.id.localeCompare(b.id);
}
