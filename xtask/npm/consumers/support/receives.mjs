// What every page of a template must do, whatever built it.
import assert from "node:assert/strict";
import { Backend, golden } from "./backend.mjs";
import { open, showing } from "./browser.mjs";

/** The page at `origin` goes online with a real server, gets one typed event, and says nothing in the console. */
export async function receivesOneEvent(t, browser, origin, query = {}) {
  const backend = await Backend.start(t, origin);
  const page = await open(t, browser, `${origin}/?${new URLSearchParams({ events: backend.stream, ...query })}`);
  await showing(page, "online");
  const event = await golden("note_created");
  await backend.publish(event);
  await page.getByTestId("note").filter({ hasText: event.data.note.id }).waitFor();
  assert.deepEqual(page.complaints, []);
}
