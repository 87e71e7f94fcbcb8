// Makes the wasm of `wasm-bindgen --target web` small, and gives its imports and exports names of a letter or two:
//
//   node optimise.mjs <folder> <name>
//
// The names wasm-bindgen makes carry hashes, which no compression removes, in the wasm and in its glue alike.

import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";

/** What wasm-opt may assume of browsers: what rustc itself emits for this target, all of it years old. */
const FEATURES = ["bulk-memory", "mutable-globals", "multivalue", "nontrapping-float-to-int", "reference-types", "sign-ext"];
const WASM_OPT = join(dirname(fileURLToPath(import.meta.url)), "node_modules/binaryen/bin/wasm-opt");
const STRIPPED = ["debug", "producers", "target-features"];
const SMALL = [
  // The lowest kilobyte is the end of the stack: no pointer lies there.
  "--low-memory-unused",
  ...["--flatten", "--rereloop", "-Oz", "-Oz", "--converge"],
  // All three make the wasm larger and its gzip smaller, which is what is downloaded: tried one by one.
  ...["--skip-pass=memory-packing", "--skip-pass=local-cse", "--always-inline-max-function-size=4"],
];
/** What hands a closure its arguments: the glue's exports call those that there are, and nobody does by the table. */
const INVOKE = /^wasm_bindgen\b.*::closures::.*::invoke\b/;

const [folder, name] = process.argv.slice(2);
const wasm = join(folder, `${name}_bg.wasm`);
const before = statSync(wasm).size;
takeInvokersOffTheTable();
wasmOpt([...SMALL, ...STRIPPED.map((section) => `--strip-${section}`)]);
/** The old and the new name of every import, its module before them, and of every export. */
const names = JSON.parse(wasmOpt(["--minify-imports-and-exports-and-modules"]));
rewrite(`${name}.js`, glue);
rewrite(`${name}.d.ts`, declarations);
console.log(`    ${before} -> ${statSync(wasm).size} bytes`);

function wasmOpt(options) {
  const features = FEATURES.map((feature) => `--enable-${feature}`);
  const run = spawnSync(process.execPath, [WASM_OPT, ...features, ...options, "-o", wasm, wasm], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (run.status !== 0) fail("wasm-opt failed");
  return run.stdout;
}

/**
 * `js-sys` describes every closure that JavaScript's standard library takes, also those that nobody makes. What the
 * descriptions pointed at stays in the table when wasm-bindgen has read them, where no optimiser dares to remove it.
 */
function takeInvokersOffTheTable() {
  const module = binaryen.readBinary(readFileSync(wasm));
  const nobody = "nobody calls this";
  module.addFunction(nobody, binaryen.none, binaryen.none, [], module.unreachable());
  const [segment, ...more] = Array.from({ length: module.getNumElementSegments() }, (_, index) =>
    binaryen.getElementSegmentInfo(module.getElementSegmentByIndex(index)),
  );
  const kept = segment.data.map((each) => (INVOKE.test(each) ? nobody : each));
  if (more.length > 0 || !kept.includes(nobody)) fail("the table of this wasm-bindgen has another form: look at INVOKE");
  module.removeElementSegment(segment.name);
  module.addActiveElementSegment(segment.table, segment.name, kept, segment.offset);
  writeFileSync(wasm, module.emitBinary());
}

/** The one module becomes `a`; an import is a key of its object, an export a field of `wasm`. */
function glue(text) {
  const [[module]] = names.imports;
  text = replaced(text, JSON.stringify(module), '"a"');
  for (const [, long, short] of names.imports) text = replaced(text, `        ${long}: `, `        ${short}: `);
  for (const [long, short] of names.exports) text = text.replace(new RegExp(`\\bwasm\\.${long}\\b`, "g"), `wasm.${short}`);
  return text;
}

function declarations(text) {
  return names.exports.reduce((text, [long, short]) => text.replace(`    readonly ${long}: `, `    readonly ${short}: `), text);
}

function rewrite(file, change) {
  const path = join(folder, file);
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

function replaced(text, long, short) {
  if (text.split(long).length !== 2) fail(`the glue of this wasm-bindgen has another form: ${long} is not there once`);
  return text.replace(long, () => short);
}

function fail(reason) {
  console.error(`xtask/npm/optimise.mjs: ${reason}`);
  process.exit(1);
}
