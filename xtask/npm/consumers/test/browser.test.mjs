// examples/browser as its README says: no bundler, a static server, an import map. And what a CSP makes of it.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Backend, golden } from "../support/backend.mjs";
import { launch, open, showing } from "../support/browser.mjs";
import { serveFolder } from "../support/files.mjs";
import { fresh } from "../support/project.mjs";

let browser;
let folder;
before(async () => {
  browser = await launch();
  folder = await fresh("browser", "examples/browser");
});
after(() => browser.close());

/** Kept when SCREENSHOTS names a folder, to be looked at. */
async function screenshot(page, name) {
  if (process.env.SCREENSHOTS === undefined) return;
  await mkdir(process.env.SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SCREENSHOTS, `browser-${name}.png`) });
}

async function openExample(t, headers) {
  const origin = await serveFolder(t, folder, headers);
  const backend = await Backend.start(t, origin);
  return { backend, page: await open(t, browser, `${origin}/?${new URLSearchParams({ events: backend.stream })}`) };
}

test("the example page connects, lists events, and says what it waits for", async (t) => {
  const { backend, page } = await openExample(t);
  await showing(page, "online");
  const event = await golden("note_created");
  await backend.publish(event);
  await backend.publish({ type: "of_tomorrow", data: { any: "thing" } });
  await page.locator("li[data-type=note_created]", { hasText: event.data.note.id }).waitFor();
  await page.locator("li[data-type=of_tomorrow]").waitFor();
  await screenshot(page, "online");
  assert.deepEqual(page.complaints, []);
  await backend.kill();
  await showing(page, "reconnecting");
  await page.getByTestId("why").filter({ hasText: /trying|next try/ }).waitFor();
  assert.ok(await page.getByTestId("retry").isVisible());
  await screenshot(page, "reconnecting");
});

const POLICY = "default-src 'none'; connect-src http://127.0.0.1:*; img-src data:; style-src 'self'; script-src 'self' 'unsafe-inline'";

test("a Content-Security-Policy without 'wasm-unsafe-eval' is a closed provider whose error names the directive", async (t) => {
  const { page } = await openExample(t, { "content-security-policy": POLICY });
  await showing(page, "closed");
  assert.match(await page.getByTestId("why").textContent(), /^the page's Content-Security-Policy lacks 'wasm-unsafe-eval'/);
  await screenshot(page, "blocked");
});

test("the same policy with 'wasm-unsafe-eval' is all that the package needs", async (t) => {
  const { page } = await openExample(t, { "content-security-policy": `${POLICY} 'wasm-unsafe-eval'` });
  await showing(page, "online");
  assert.deepEqual(page.complaints, []);
});
