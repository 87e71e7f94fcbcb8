// Builds pkg/: the wasm inlined (gzipped, then base64), its glue, and the TypeScript sources bound to both.
//
//   node build.mjs --wasm-dir <output of wasm-bindgen --target web --out-name coaching_events, optimised, and its .gz>
//
// Needs client-wasm/pkg and the compiler in client-wasm/node_modules: run `npm ci && npm run build` there first.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const NAME = "coaching_events";
const here = dirname(fileURLToPath(import.meta.url));
const client = join(here, "../../client-wasm");
const sources = join(here, "../../target/coaching-events-sources");
const pkg = join(here, "pkg");

const { values } = parseArgs({ options: { "wasm-dir": { type: "string" } } });
if (!values["wasm-dir"]) fail("--wasm-dir <folder> is missing: `cargo xtask wasm` gives it");
const wasmDir = resolve(values["wasm-dir"]);
const wasm = readFileSync(join(wasmDir, `${NAME}_bg.wasm`));

for (const folder of [sources, pkg]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
for (const file of readdirSync(join(here, "js"))) copyFileSync(join(here, "js", file), join(sources, file));
copyFileSync(join(here, "package.json"), join(sources, "package.json"));
copyFileSync(join(here, "../ts/index.ts"), join(sources, "contract.ts"));
for (const folder of [sources, pkg]) {
  writeFileSync(join(folder, `${NAME}.js`), glue());
  writeFileSync(join(folder, `${NAME}.d.ts`), declarations());
}
writeFileSync(join(sources, "inlined.ts"), inlined());
writeFileSync(join(pkg, `${NAME}_bg.wasm`), wasm);
compile();

/** The glue up to its loader: `js/glue.ts` loads in a third of the code, and guesses nothing about where the wasm is. */
function glue() {
  return `${before("js", "async function __wbg_load(")}
export { __wbg_get_imports as imports, __wbg_finalize_init as begin };
`;
}

function declarations() {
  return `${before("d.ts", "export type InitInput = ")}
/** What the wasm imports. */
export function imports(): WebAssembly.Imports;
/** Runs an instance: the classes are its own from then on. */
export function begin(instance: WebAssembly.Instance): void;
`;
}

function before(extension, marker) {
  const text = readFileSync(join(wasmDir, `${NAME}.${extension}`), "utf8");
  const end = text.indexOf(marker);
  if (end === -1 || text.slice(0, end).includes("import.meta")) {
    fail(`the ${extension} of this wasm-bindgen has another form: look at before() here`);
  }
  return text.slice(0, end);
}

function inlined() {
  const base64 = readFileSync(join(wasmDir, `${NAME}_bg.wasm.gz`)).toString("base64");
  return `/** The wasm, gzipped, in base64. */\nexport const inlined: string =\n  "${base64}";\n`;
}

function compile() {
  const config = {
    extends: join(here, "tsconfig.json"),
    compilerOptions: {
      rootDir: sources,
      outDir: pkg,
      baseUrl: here,
      stripInternal: true,
    },
    files: ["index.ts", "react.ts", "slim.ts", "testing.ts"].map((file) => join(sources, file)),
    include: [],
  };
  const project = join(sources, "tsconfig.json");
  writeFileSync(project, JSON.stringify(config));
  const tsc = join(client, "node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "--project", project], { stdio: "inherit" });
  if (status !== 0) fail("the TypeScript of @tidings/coaching-events does not compile");
}

function fail(reason) {
  console.error(`bindings/wasm/build.mjs: ${reason}`);
  process.exit(1);
}
