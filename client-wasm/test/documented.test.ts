/** What a page can meet is in the README: every error code of the sources, every state of the types, and nothing else. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const at = (path: string): string => new URL(`../${path}`, import.meta.url).pathname;
const read = (path: string): string => readFileSync(at(path), "utf8");
const readme = read("README.md");

/** Every source of the package, and what the Rust side of it says of errors. */
const typescript = sources("js", /\.tsx?$/);
const rust = sources("src", /\.rs$/);
const codeOfCore = /fn code\(.*?\n    \}\n/s.exec(read("../protocol/src/error.rs"))![0];

function sources(folder: string, name: RegExp): { path: string; text: string }[] {
  const files = readdirSync(at(folder), { recursive: true, encoding: "utf8" });
  return files.filter((file) => name.test(file)).map((path) => ({ path, text: read(`${folder}/${path}`) }));
}

function all(texts: { text: string }[], pattern: RegExp): string[] {
  return texts.flatMap(({ text }) => [...text.matchAll(pattern)].map((match) => match[1]!));
}

/** The first cells of the table whose head begins with this word. */
function firstCells(head: string): string[] {
  const table = new RegExp(`^\\| ${head} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, "m").exec(readme)?.[1] ?? "";
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);
}

it("names every code of an error, and none that no error has", () => {
  const literal = all(typescript, /BackendEventError\(\s*"\w+",\s*"(\w+)"/g);
  const passedOn = all(typescript, /(?:fail|calledOff)\(\s*"(\w+)"/g).concat(all(typescript, /\bcode = "(\w+)"/g));
  const ofTheCore = all([{ text: codeOfCore }], /=> "(\w+)"/g);
  const problems = all(rust, /Problem::\w+\(\s*"(\w+)"/g);
  const codes = [...new Set([...literal, ...passedOn, ...ofTheCore, ...problems])].sort();
  expect(codes.length).toBeGreaterThan(20);
  expect(firstCells("code").sort()).toEqual(codes);
});

it("is checked against every place that makes an error: one whose code is a variable is looked at by hand", () => {
  const variable = typescript.filter(({ text }) => /new BackendEventError\(\s*"?\w+"?,\s*[^"\s]/.test(text)).map(({ path }) => path);
  // The Rust side's own; a handler's; another tab's, made again here; the test provider's copies of the Rust side's.
  expect(variable.sort()).toEqual(["host.ts", "registrations.ts", "tabs.ts", "testing.ts"]);
});

it("says of every state what to show, and of none that does not exist", () => {
  const states = /export type ConnectionState =([\s\S]*?);\n\n/.exec(read("js/types.ts"))![1]!;
  const statuses = [...states.matchAll(/status: "([\w-]+)"/g)].map((match) => match[1]!);
  expect(statuses).toHaveLength(8);
  expect(firstCells("state")).toEqual(statuses);
});

it("is made of every entry that the package has", () => {
  const { exports } = JSON.parse(read("package.json")) as { exports: Record<string, { default: string }> };
  const { entryPoints } = JSON.parse(read("typedoc.json")) as { entryPoints: string[] };
  const sourcesOf = Object.values(exports).map((target) => target.default.replace("./pkg/", "js/").replace(/\.js$/, ""));
  expect(entryPoints.map((path) => path.replace(/\.tsx?$/, "")).sort()).toEqual(sourcesOf.sort());
});
