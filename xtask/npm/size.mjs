// Prints what importing "@tidings/coaching-events" costs: lines of bytes, gzipped bytes, name, separated by tabs.
// The one argument is a folder with the packed packages installed in its node_modules.

import { join, relative } from "node:path";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const folder = process.argv[2];
const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;
const line = (name, bytes, compressed) => console.log(`${bytes}\t${compressed}\t${name}`);

const { outputFiles, metafile } = await build({
  stdin: { contents: 'export * from "@tidings/coaching-events";', resolveDir: folder },
  absWorkingDir: folder,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  conditions: ["browser", "import", "module"],
  metafile: true,
  write: false,
});
const [{ contents }] = outputFiles;
const [{ inputs }] = Object.values(metafile.outputs);

// A module alone gzips a little worse than in the bundle, so the parts add up to slightly more than the total.
for (const [path, { bytesInOutput }] of Object.entries(inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)) {
  if (bytesInOutput === 0 || path === "<stdin>") continue;
  const source = await readFile(join(folder, path), "utf8");
  const { code } = await transform(source, { minify: true, format: "esm" });
  line(relative("node_modules/@tidings", path), bytesInOutput, gzip(code));
}
line("total", contents.length, gzip(contents));
