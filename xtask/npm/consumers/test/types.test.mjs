// The packed declarations under strict compilers, with the two ways modules are resolved today.
import { test } from "node:test";
import { fresh, run } from "../support/project.mjs";

test("a strict use-site compiles, and what it marks as wrong does not", async () => {
  const folder = await fresh("types");
  await run(folder, "npm", ["run", "check"]);
});
