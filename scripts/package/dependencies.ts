/** Which packages run on a machine, and which files of them: what an archive holds beside our own files. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { basename, join, relative } from "node:path";

/** A package in package-lock.json. */
export interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
}

/** Of Bun's package two programs of 100 MB are one and the same; the second is not used. */
const UNUSED = ["node_modules/bun/bin/bunx.exe", "node_modules/bun/bin/README.txt", "node_modules/bun/install.js"];
/** Where onnxruntime has its libraries, for every system and processor. */
const NATIVE = "node_modules/onnxruntime-node/bin/napi-v6";
/** Needed by install steps, and types of Node.js, which nobody reads at run time. */
const NOT_AT_RUN_TIME = ["node_modules/onnxruntime-node/script", "node_modules/@types", "node_modules/undici-types"];

/**
 * Folders below the root of packages that the product needs and that are installed: nothing that only developers need, and of
 * the optional ones, which are programs for one system each, none: Bun's install step has moved its program out of them.
 * Throws when one that is needed is missing.
 */
export function neededPackages(
  packages: Readonly<Record<string, LockedPackage>>,
  exists: (path: string) => boolean,
): string[] {
  const needed = Object.entries(packages).filter(
    ([path, { dev, optional, link }]) => path && !dev && !optional && !link,
  );
  const missing = needed.filter(([path]) => !exists(path)).map(([path]) => path);
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(", ")}; run npm install`);
  return needed.map(([path]) => path);
}

/** Folders at the head of a package that its own developers need; packages in a package are copied by themselves. */
const ASIDE = new Set(["node_modules", "test", "tests", "benchmark", "benchmarks", "docs", "example", "examples"]);

/** Whether a file or folder of a package, from its root, is code or says whose that is. */
export function runsOrSays(path: string): boolean {
  return !ASIDE.has(path) && !basename(path).startsWith(".") && !path.endsWith(".html");
}

/**
 * Copies what runs here from `root` to `target`.
 * @param packages as package-lock.json has them.
 */
export function copyDependencies(
  root: string,
  target: string,
  packages: Readonly<Record<string, LockedPackage>>,
  platform: string = process.platform,
  arch: string = process.arch,
): void {
  for (const path of neededPackages(packages, (path) => existsSync(join(root, path)))) {
    const source = join(root, path);
    const filter = (from: string): boolean => runsOrSays(relative(source, from));
    cpSync(source, join(target, path), { recursive: true, filter });
  }
  const native = join(target, NATIVE);
  for (const system of readdirSync(native)) {
    for (const processor of readdirSync(join(native, system))) {
      if (system !== platform || processor !== arch) rmSync(join(native, system, processor), { recursive: true });
    }
    if (readdirSync(join(native, system)).length === 0) rmSync(join(native, system), { recursive: true });
  }
  for (const path of [...UNUSED, ...NOT_AT_RUN_TIME]) rmSync(join(target, path), { recursive: true, force: true });
  // As npm has it, and where bin/neurabalancer looks for it.
  const bin = join(target, "node_modules/.bin");
  mkdirSync(bin, { recursive: true });
  symlinkSync("../bun/bin/bun.exe", join(bin, "bun"));
}
