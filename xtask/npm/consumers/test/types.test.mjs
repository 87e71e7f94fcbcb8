// The packed declarations under strict compilers, with the two ways modules are resolved today.
import { before, test } from "node:test";
import { fresh, run } from "../support/project.mjs";

let folder;
before(async () => (folder = await fresh("types")));

test("a strict use-site compiles, and what it marks as wrong does not", async () => {
  await run(folder, "npm", ["run", "check"]);
});

test("so it does with the oldest TypeScript that is supported", async () => {
  await run(folder, "npm", ["run", "check:oldest"]);
});
