// What a registry would be given: looked at by the tools that users look with.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { test } from "node:test";
import { run, tarballs } from "../support/project.mjs";

const ROOT = resolve(import.meta.dirname, "../../../..");
const BIN = resolve(import.meta.dirname, "../node_modules/.bin");

for (const tarball of await tarballs()) {
  const name = basename(tarball);

  test(`publint has nothing to say about ${name}`, async () => {
    assert.match(await run(BIN, `${BIN}/publint`, ["run", "--strict", tarball]), /All good!/);
  });

  test(`every entry of ${name} resolves to types and to a module of the same kind`, async () => {
    // The wasm is a file to serve, not a module to import.
    await run(BIN, `${BIN}/attw`, ["--profile", "esm-only", "--no-emoji", "--exclude-entrypoints", "coaching_events_bg.wasm", "--", tarball]);
  });

  test(`${name} carries its README and its licenses, and nothing but what it is for`, () => {
    const files = execFileSync("tar", ["--list", "--gzip", "--file", tarball], { encoding: "utf8" }).trim().split("\n");
    assert.ok(files.includes("package/README.md"), "README.md is missing");
    for (const license of ["LICENSE-MIT", "LICENSE-APACHE"]) {
      assert.equal(contentOf(tarball, license), readFileSync(join(ROOT, license), "utf8"), `${license} is the project's`);
    }
    const strangers = files.filter((file) => !/^package\/(package\.json|README\.md|LICENSE-(MIT|APACHE)|pkg\/.+\.(js|d\.ts|wasm))$/.test(file));
    assert.deepEqual(strangers, []);
  });
}

function contentOf(tarball, file) {
  return execFileSync("tar", ["--extract", "--to-stdout", "--gzip", "--file", tarball, `package/${file}`], { encoding: "utf8" });
}
