/** A page, as much of one as the provider looks at, so that these tests run under plain Node with its own fetch. */
import { afterEach, beforeEach } from "vitest";

export interface Page extends EventTarget {
  document: EventTarget & { hidden?: boolean };
}

export let page: Page;

export function usePage(): void {
  beforeEach(() => {
    page = Object.assign(new EventTarget(), { document: new EventTarget() });
    Object.assign(globalThis, { window: page });
  });
  afterEach(() => {
    delete (globalThis as { window?: unknown }).window;
  });
}
