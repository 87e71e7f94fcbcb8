// The same packages through the other bundlers, with the wasm inlined and as a file beside the page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { launch } from "../support/browser.mjs";
import { serveFolder } from "../support/files.mjs";
import { fresh, run } from "../support/project.mjs";
import { receivesOneEvent } from "../support/receives.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const BUNDLERS = [
  { name: "vite", served: "dist" },
  { name: "webpack", served: "." },
];

for (const { name, served } of BUNDLERS) {
  test(`a page that ${name} built receives one typed event, by the default entry and by /slim`, async (t) => {
    const folder = await fresh(name);
    assert.doesNotMatch(await run(folder, "npm", ["run", "build"]), /warning/i);
    const origin = await serveFolder(t, join(folder, served));
    await receivesOneEvent(t, browser, origin);
    await receivesOneEvent(t, browser, origin, { slim: "" });
  });
}

test("a Next.js project builds with webpack too, and its page receives one typed event", async (t) => {
  const folder = await fresh("next-webpack", "xtask/npm/consumers/templates/next");
  await run(folder, "npm", ["run", "build:webpack"]);
  await receivesOneEvent(t, browser, await serveFolder(t, join(folder, "out")));
});
