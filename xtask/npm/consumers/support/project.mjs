// A fresh project, with the packed packages installed from their tarballs as a user would install them.
import { spawn } from "node:child_process";
import { cp, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../../..");
const TARBALLS = join(ROOT, "target/npm");

/** The packed packages. */
export async function tarballs() {
  const packed = (await readdir(TARBALLS)).filter((file) => file.endsWith(".tgz")).sort();
  if (packed.length !== 2) throw new Error(`${TARBALLS} holds ${packed.length} tarballs, not two: \`cargo xtask wasm\` packs them`);
  return packed.map((file) => join(TARBALLS, file));
}

/** Copies a template (or another folder of the checkout) and installs what its lock file says, and our packages. */
export async function fresh(name, source = join("xtask/npm/consumers/templates", name)) {
  const folder = join(ROOT, "target/consumers", name);
  await rm(folder, { recursive: true, force: true });
  await cp(join(ROOT, source), folder, { recursive: true, filter: (from) => !from.includes("node_modules") });
  await run(folder, "npm", ["install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel", "error", ...(await tarballs())]);
  return folder;
}

/** Runs a program to its end and gives what it printed; anything but success is an error with all of it. */
export async function run(folder, program, args) {
  const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NO_COLOR: "1" } });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (printed += chunk));
  const code = await new Promise((done, fail) => child.once("error", fail).once("close", done));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} in ${folder} ended with ${code}:\n${printed}`);
  return printed;
}
