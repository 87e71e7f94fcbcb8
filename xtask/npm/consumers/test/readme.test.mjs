// What the packages' READMEs show is compiled, and the tests among it are run, with the packed packages.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { before, test } from "node:test";
import { fresh, run } from "../support/project.mjs";

const ROOT = resolve(import.meta.dirname, "../../../..");
const READMES = ["client-wasm/README.md", "bindings/wasm/README.md"];

/** The TypeScript of a README, each with the name that its first line gives, or one by its place. */
async function examples(readme) {
  const text = await readFile(join(ROOT, readme), "utf8");
  return [...text.matchAll(/^```(tsx?)\n([\s\S]*?)^```$/gm)].map(([, kind, code], place) => {
    const name = /^\/\/ (\S+\.tsx?)\n/.exec(code)?.[1] ?? `${readme.replaceAll(/\W/g, "-")}-${place + 1}.${kind}`;
    return { name, code };
  });
}

let folder;
const names = [];
before(async () => {
  folder = await fresh("readme");
  for (const readme of READMES) {
    for (const { name, code } of await examples(readme)) {
      names.push(name);
      await writeFile(join(folder, name), code);
    }
  }
});

test("every example in the READMEs compiles", async () => {
  assert.ok(names.length >= 8, `only ${names.length} examples were found`);
  await run(folder, "npm", ["run", "check"]);
});

test("the example of a test passes", async () => {
  assert.ok(names.includes("notes.test.tsx"));
  assert.match(await run(folder, "npm", ["run", "test"]), /Tests {2}2 passed/);
});
