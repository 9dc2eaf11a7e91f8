/** What is released: which files, with which manifest, and the version said in one place. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../../../package.json";
import { neededPackages, runsOrSays } from "../../../../scripts/package/dependencies.ts";
import { publishedManifest } from "../../../../scripts/package/npm.ts";

const ROOT = join(import.meta.dir, "../../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const { version } = packageJson;

/** Every text file below these, from the root. */
function filesBelow(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1)),
  );
}

test("no program and no configuration repeats the version: package.json has it", () => {
  const repeated = filesBelow("bin", "src", "configs").filter((path) =>
    new RegExp(`(?<![\\d.])${RegExp.escape(version)}(?![\\d.])`).test(read(path)),
  );
  expect(repeated).toEqual([]);
});

test("what has to repeat it says the same: lock file, API, changelog", () => {
  const lock = JSON.parse(read("package-lock.json"));
  expect([lock.version, lock.packages[""].version]).toEqual([version, version]);
  expect(JSON.parse(read("docs/openapi.json")).info.version).toBe(version);
  const [latest] = [...read("CHANGELOG.md").matchAll(/^## \[(\d[^\]]*)\]/gm)].map((match) => match[1]);
  expect(latest).toBe(version);
});

test("every image of ours and the chart are of this version", () => {
  const files = [...filesBelow("deployments"), "docker-compose.yml"].filter((path) => /\.ya?ml$/.test(path));
  const said = files.flatMap((path) =>
    [
      ...read(path).matchAll(/(?:^(?:version|appVersion): |neurabalancer(?:-backend|-ml)?:)"?(\d+\.\d+\.\d+[^"\s]*)/gm),
    ].map(([, found]) => ({ path, found })),
  );
  expect(said.length).toBeGreaterThan(3);
  expect(said.filter(({ found }) => found !== version)).toEqual([]);
});

test("what people copy from documents names files of this version, and what is supported is its minor one", () => {
  const named = ["README.md", ...filesBelow("docs").filter((path) => path.endsWith(".md"))].flatMap((path) =>
    [...read(path).matchAll(/neurabalancer[-_](\d+\.\d+\.\d+)(?:-linux|_amd64|_arm64|\.tgz)/g)].map(
      ([, found]) => found,
    ),
  );
  expect(new Set(named)).toEqual(new Set([version]));
  expect(/the latest minor version \(today ([\d.]+)\)/.exec(read("SECURITY.md"))?.[1]).toBe(
    version.split(".").slice(0, 2).join("."),
  );
});

test("the published manifest has no commands, no developers' packages, and onnxruntime as a peer that may be left out", () => {
  const manifest = publishedManifest(packageJson);
  expect(Object.keys(manifest)).not.toContain("private");
  expect(Object.keys(manifest)).not.toContain("scripts");
  expect(Object.keys(manifest)).not.toContain("devDependencies");
  expect(manifest).toMatchObject({ name: "neurabalancer", version, bin: packageJson.bin, files: packageJson.files });
  const { "onnxruntime-node": onnx, ...others } = packageJson.dependencies;
  expect(manifest.dependencies).toEqual(others);
  expect(manifest.peerDependencies).toEqual({ "onnxruntime-node": `^${onnx}` });
  expect(manifest.peerDependenciesMeta).toEqual({ "onnxruntime-node": { optional: true } });
  // The directory is never published by mistake.
  expect(packageJson.private).toBe(true);
});

test("archives have what is needed, nothing for developers or other systems, and miss nothing silently", () => {
  const packages = {
    "": {},
    "node_modules/a": {},
    "node_modules/b": { dev: true },
    "node_modules/c": { optional: true },
  };
  expect(neededPackages(packages, () => true)).toEqual(["node_modules/a"]);
  expect(() => neededPackages(packages, () => false)).toThrow("not installed: node_modules/a; run npm install");
});

test("of a package its code and its license are kept, and not what its developers need", () => {
  for (const path of ["", "package.json", "LICENSE.md", "lib", "lib/test", "dist/docs/index.js"])
    expect({ path, kept: runsOrSays(path) }).toEqual({ path, kept: true });
  for (const path of ["node_modules", "test", "docs", ".eslintrc", "lib/.npmignore", "index.html"])
    expect({ path, kept: runsOrSays(path) }).toEqual({ path, kept: false });
});

const directives = (name: string): string[] =>
  [...read("deployments/systemd/neurabalancer.service").matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(
    ([, value]) => value,
  );

test("an instance that takes over is watched over for as long as systemd watches the one before", () => {
  const [seconds] = directives("WatchdogSec");
  expect(directives("Environment")).toContain(`WATCHDOG_USEC=${Number(seconds) * 1_000_000}`);
});

test("the service starts and reloads with the same settings, which the package has", () => {
  const [start] = directives("ExecStart");
  const [reload] = directives("ExecReload");
  const [, flags] = / serve (.*)$/.exec(start) ?? [];
  expect(flags).toBe("--env-file /etc/neurabalancer/neurabalancer.env");
  expect(reload).toBe(`/usr/bin/env sh /usr/lib/neurabalancer/deployments/systemd/reload.sh ${flags}`);
  expect(read("scripts/package/debian.ts")).toContain('"etc/neurabalancer/neurabalancer.env"');
});
