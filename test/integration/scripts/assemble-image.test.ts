/** What deployments/docker/assemble.mjs makes of an installation: what runs on the platform of the image, and nothing else. */
import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawnSync } from "../../support/processes.ts";

const SCRIPT = join(import.meta.dir, "../../../deployments/docker/assemble.mjs");
const root = mkdtempSync(join(tmpdir(), "neurabalancer-image-"));
afterAll(() => rmSync(root, { recursive: true }));

const FILES = [
  "LICENSE",
  "package.json",
  "tsconfig.json",
  "src/main.ts",
  "models/prior/scaler.json",
  "node_modules/.package-lock.json",
  "node_modules/.bin/bun",
  "node_modules/bun/bin/bun.exe",
  "node_modules/@oven/bun-linux-aarch64/bin/bun",
  "node_modules/@types/node/index.d.ts",
  "node_modules/zod/index.js",
  "node_modules/zod/index.js.map",
  "node_modules/zod/index.d.ts",
  "node_modules/zod/README.md",
  "node_modules/zod/LICENSE.md",
  "node_modules/onnxruntime-common/index.js",
  "node_modules/onnxruntime-node/dist/index.js",
  "node_modules/onnxruntime-node/bin/napi-v6/linux/arm64/libonnxruntime.so.1",
  "node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1",
  "node_modules/onnxruntime-node/bin/napi-v6/darwin/arm64/libonnxruntime.dylib",
];
for (const path of FILES) {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), path);
}

function assemble(...args: string[]) {
  const { exitCode, stderr } = spawnSync(["node", SCRIPT, ...args], { cwd: root, stdout: "ignore", stderr: "pipe" });
  return { code: exitCode, stderr: stderr.toString() };
}

const filesIn = (out: string) =>
  readdirSync(join(root, out), { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(root, out, path)).isFile())
    .sort();

const COMMON = ["LICENSE", "package.json", "src/main.ts", "tsconfig.json"].map((path) => `app/${path}`);
const PACKAGES = ["zod/LICENSE.md", "zod/index.js"].map((path) => `packages/${path}`);
const PROGRAMS = ["command/neurabalancer", "runtime/bun"];

test("an image that runs models has onnxruntime for its own platform alone", () => {
  expect(assemble("arm64", "full")).toEqual({ code: 0, stderr: "" });
  expect(filesIn("full")).toEqual(
    [
      ...COMMON,
      ...PACKAGES,
      ...PROGRAMS,
      "app/models/prior/scaler.json",
      "packages/onnxruntime-common/index.js",
      "packages/onnxruntime-node/dist/index.js",
      "packages/onnxruntime-node/bin/napi-v6/linux/arm64/libonnxruntime.so.1",
    ].sort(),
  );
  expect(readFileSync(join(root, "full/runtime/bun"), "utf8")).toContain("linux-aarch64");
  for (const program of PROGRAMS) expect(statSync(join(root, "full", program)).mode & 0o777).toBe(0o755);
  expect(statSync(join(root, "full/lib/neurabalancer")).mode & 0o777).toBe(0o700);
  expect(statSync(join(root, "full/log/neurabalancer")).mode & 0o777).toBe(0o750);
});

test("one that runs none has neither models nor what runs them", () => {
  expect(assemble("arm64", "lean", "--without-inference")).toEqual({ code: 0, stderr: "" });
  expect(filesIn("lean")).toEqual([...COMMON, ...PACKAGES, ...PROGRAMS].sort());
});

test("what is not installed for the platform, and what is no platform, is said", () => {
  const other = assemble("amd64", "other");
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("install with --os=linux --cpu=x64")]);
  const none = assemble("riscv", "none");
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("usage: assemble.mjs <amd64|arm64>")]);
  expect(existsSync(join(root, "none"))).toBe(false);
});
