"use client";
/**
 * When two sets of options ask for the same provider, and how one provider follows the latest set.
 *
 * Pages write options inline, so each render brings new objects and new functions: a function never
 * counts as a change, everything else is compared by value.
 */
import type { BackendEventCallbacks, BackendEventProviderOptions, Cursor } from "../types.js";

type Options<E extends object> = BackendEventProviderOptions<E>;
type Bag = Readonly<Record<string, unknown>>;

const callbackNames: Record<keyof BackendEventCallbacks, true> = {
  onContractChange: true,
  onOnline: true,
  onOffline: true,
  onReconnecting: true,
  onLongBroken: true,
  onUnauthorized: true,
  onError: true,
};

/**
 * True when a provider made of `a` serves `b` as well. `identity` has its own way (`setIdentity`), and
 * `replay.from` is a beginning: neither counts.
 */
export function sameOptions<E extends object>(a: Options<E>, b: Options<E>): boolean {
  return sameValue(structure(a), structure(b));
}

/** True when both name the same stream of the same user, so that a cursor of one is good for the other. */
export function sameStream<E extends object>(a: Options<E>, b: Options<E>): boolean {
  return sameValue(address(a.url), address(b.url)) && (a.identity ?? null) === (b.identity ?? null);
}

/**
 * `options` with each function looked up in `read()` when it is called: those of the latest options,
 * for as long as `sameOptions` holds between the two. The first cursor is `inherited()` where that has
 * one, else what `replay.from` says.
 */
export function liveOptions<E extends object>(
  options: Options<E>,
  read: () => Options<E>,
  inherited: () => Cursor,
): Options<E> {
  const from = async (): Promise<Cursor> => inherited() ?? (await firstCursor(read())) ?? null;
  const live = delegate(options as unknown as Bag, () => read() as unknown as Bag, false) as unknown as Options<E>;
  // A provider with an `onError` takes its errors for heard, so that one is registered apart.
  const callbacks = Object.keys(callbackNames).map((name) => [
    name,
    name === "onError" ? undefined : (...args: unknown[]) => call((read() as unknown as Bag)[name], undefined, args),
  ]);
  return { ...live, ...Object.fromEntries(callbacks), replay: { ...live.replay, from }, autoConnect: false };
}

function firstCursor<E extends object>(options: Options<E>): Cursor | Promise<Cursor> | undefined {
  const from = options.replay?.from;
  return typeof from === "function" ? from() : from;
}

function structure<E extends object>(options: Options<E>): Bag {
  const { identity: _identity, autoConnect: _autoConnect, replay, url, ...rest } = options;
  const { from: _from, ...position } = replay ?? {};
  const kept = Object.entries(rest).filter(([name]) => !(name in callbackNames));
  return { ...Object.fromEntries(kept), url: address(url), replay: position };
}

function address(url: Options<object>["url"]): unknown {
  return url instanceof URL ? url.href : url;
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (typeof a === "function" && typeof b === "function")) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => sameValue(a[name], b[name]));
}

/** The bag with each function replaced by one that looks itself up again when called. */
function delegate(bag: Bag, read: () => Bag, isOwner: boolean): Bag {
  const entries = Object.entries(bag).map(([name, value]) => {
    if (typeof value === "function") {
      return [name, (...args: unknown[]) => call(read()[name], isOwner ? read() : undefined, args)];
    }
    return [name, isPlain(value) ? delegate(value, () => read()[name] as Bag, true) : value];
  });
  return Object.fromEntries(entries) as Bag;
}

/** The options' own functions are called bare: the browser's `fetch` refuses another receiver. */
function call(f: unknown, receiver: unknown, args: unknown[]): unknown {
  return typeof f === "function" ? Reflect.apply(f, receiver, args) : undefined;
}

function isPlain(value: unknown): value is Bag {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
