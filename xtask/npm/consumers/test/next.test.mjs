// Next.js as `create-next-app` sets it up: Turbopack, the React entry, a page rendered before it lives.
import { after, before, test } from "node:test";
import { readFile } from "node:fs/promises";
import assert from "node:assert/strict";
import { join } from "node:path";
import { launch } from "../support/browser.mjs";
import { serveFolder } from "../support/files.mjs";
import { fresh, run } from "../support/project.mjs";
import { receivesOneEvent } from "../support/receives.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("a Next.js project builds with Turbopack, and its page receives one typed event", async (t) => {
  const folder = await fresh("next");
  await run(folder, "npm", ["run", "build"]);
  assert.match(await readFile(join(folder, "out/index.html"), "utf8"), /data-testid="state">idle</, "what is rendered before there is a browser");
  await receivesOneEvent(t, browser, await serveFolder(t, join(folder, "out")));
});
