/**
 * Lays out the file system of an image, in the build stage of its Dockerfile: what runs there and nothing else. Plain Node.js; run in
 * the root of the product, where the packages of the lock file are installed for the platform of the image.
 *
 * usage: node deployments/docker/assemble.mjs <amd64|arm64> <directory> [--without-inference]
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** What container engines call architectures, as npm's packages do. */
const ARCHITECTURES = {
  amd64: { bun: "bun-linux-x64", native: "x64" },
  arm64: { bun: "bun-linux-aarch64", native: "arm64" },
};
/** Of packages: declarations, maps and pages for people. Licences stay. */
const UNUSED = /\.(?:d\.[cm]?ts|map|md|markdown|flow)$|^(?:\.github|\.vscode|__tests__|docs|examples?)$/i;
const LICENCE = /^(?:licen[cs]e|notice|copying)/i;
/** Whole packages that nothing imports at run time: Bun is copied by itself, the others are of people who develop. */
const UNUSED_PACKAGES = ["bun", "@oven", "@types", "undici-types", ".bin", ".package-lock.json"];
/** Only `ml` and the model server load it; a server to try things with does neither. */
const INFERENCE_PACKAGES = ["onnxruntime-node", "onnxruntime-common"];
/** As bin/neurabalancer, for where there is no shell. What Bun is to do besides stands in the environment of the image. */
const COMMAND = '#!/usr/local/bin/bun --no-env-file\nimport "/app/src/main.ts";\n';

const [architecture, out, flag] = process.argv.slice(2);
if (
  !Object.hasOwn(ARCHITECTURES, architecture ?? "") ||
  !out ||
  (flag ?? "--without-inference") !== "--without-inference"
) {
  fail(`usage: assemble.mjs <${Object.keys(ARCHITECTURES).join("|")}> <directory> [--without-inference]`);
}
const { bun, native } = ARCHITECTURES[architecture];
const withInference = flag === undefined;

const binary = join("node_modules", "@oven", bun, "bin", "bun");
if (!existsSync(binary)) fail(`${binary} is not there: install with --os=linux --cpu=${native}`);
copy(binary, "runtime/bun");
chmodSync(join(out, "runtime/bun"), 0o755);

copyPackages();
for (const path of ["LICENSE", "package.json", "tsconfig.json", "src"]) copy(path, `app/${path}`);
if (withInference) copy("models", "app/models");

mkdirSync(join(out, "command"), { recursive: true });
writeFileSync(join(out, "command/neurabalancer"), COMMAND);
chmodSync(join(out, "command/neurabalancer"), 0o755);
// Directories that belong to the user of the image: a new volume takes owner and mode from them.
directory("lib/neurabalancer", 0o700);
directory("log/neurabalancer", 0o750);

function copyPackages() {
  const left = new Set([...UNUSED_PACKAGES, ...(withInference ? [] : INFERENCE_PACKAGES)]);
  for (const name of readdirSync("node_modules")) {
    if (!left.has(name)) copy(join("node_modules", name), `packages/${name}`, isUsed);
  }
  if (!withInference) return;
  const libraries = join(out, "packages/onnxruntime-node/bin/napi-v6");
  const mine = join("linux", native);
  if (!existsSync(join(libraries, mine))) fail(`onnxruntime-node has nothing for ${mine}: look below ${libraries}`);
  for (const system of readdirSync(libraries)) {
    for (const one of readdirSync(join(libraries, system))) {
      if (join(system, one) !== mine) rmSync(join(libraries, system, one), { recursive: true });
    }
    if (system !== "linux") rmSync(join(libraries, system), { recursive: true });
  }
}

function isUsed(path) {
  const name = basename(path);
  return LICENCE.test(name) || !UNUSED.test(name);
}

function copy(from, to, filter) {
  cpSync(from, join(out, to), { recursive: true, filter });
}

function directory(path, mode) {
  mkdirSync(join(out, path), { recursive: true });
  chmodSync(join(out, path), mode);
}

function fail(problem) {
  console.error(`assemble.mjs: ${problem}`);
  process.exit(1);
}
