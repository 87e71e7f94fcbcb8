// Prints what importing "@tidings/coaching-events" costs, and what each other entry adds to it: lines of bytes, gzipped
// bytes, name, separated by tabs. Fails where the default entry drags another one along, or where an import that uses
// nothing costs anything. The one argument is a folder with the packed packages installed in its node_modules.

import { join, relative } from "node:path";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const CONTRACT = "@tidings/coaching-events";
const PACKAGES = [CONTRACT, "@tidings/client"];

const folder = process.argv[2];
const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;
const line = (name, bytes, compressed) => console.log(`${bytes}\t${compressed}\t${name}`);

/** What an app's bundler makes of these statements: the code, the modules in it, and what it leaves to others. */
async function bundle(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder },
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    conditions: ["browser", "import", "module"],
    external: ["react"],
    logLevel: "error",
    // A bare import of what has no side effects is what is measured.
    logOverride: { "ignored-bare-import": "silent" },
    metafile: true,
    write: false,
  });
  const [{ contents: code }] = outputFiles;
  const [{ inputs, imports }] = Object.values(metafile.outputs);
  const modules = Object.fromEntries(Object.entries(inputs).filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && path !== "<stdin>"));
  return { code, modules, external: imports.map(({ path }) => path) };
}

const all = (entry) => `export * from ${JSON.stringify(entry)};`;

/** The entries beside the default one, with the file that each names. */
async function entries() {
  const found = [];
  for (const name of PACKAGES) {
    const { exports } = JSON.parse(await readFile(join(folder, "node_modules", name, "package.json"), "utf8"));
    for (const [path, target] of Object.entries(exports)) {
      if (path === "." || typeof target === "string") continue;
      found.push({ entry: `${name}${path.slice(1)}`, file: join("node_modules", name, target.default) });
    }
  }
  return found;
}

function require(holds, complaint) {
  if (holds) return;
  console.error(complaint);
  process.exit(1);
}

const whole = await bundle(all(CONTRACT));

// A module alone gzips a little worse than in the bundle, so the parts add up to slightly more than the total.
for (const [path, { bytesInOutput }] of Object.entries(whole.modules).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)) {
  const source = await readFile(join(folder, path), "utf8");
  const { code } = await transform(source, { minify: true, format: "esm" });
  line(relative("node_modules/@tidings", path), bytesInOutput, gzip(code));
}
line("total", whole.code.length, gzip(whole.code));

require(whole.external.length === 0, `the default entry imports ${whole.external.join(", ")}`);
for (const { entry, file } of await entries()) {
  require(!(file in whole.modules), `the default entry contains ${entry}: an app that does not import it pays for it`);
  const more = await bundle(`${all(CONTRACT)}\nexport * as more from ${JSON.stringify(entry)};`);
  require(file in more.modules, `${entry} is not in the bundle that imports it`);
  line(`+ ${entry}`, more.code.length - whole.code.length, gzip(more.code) - gzip(whole.code));
}
for (const entry of PACKAGES) {
  const { code } = await bundle(`import ${JSON.stringify(entry)};`);
  require(code.length === 0, `importing ${entry} for nothing costs ${code.length} bytes: it has a side effect`);
}
const one = await bundle(`export { BackendEventError, EventType } from ${JSON.stringify(CONTRACT)};`);
require(!Object.keys(one.modules).some((path) => path.endsWith("inlined.js")), "who imports an error and the names pays for the wasm");
line("BackendEventError and EventType alone", one.code.length, gzip(one.code));
