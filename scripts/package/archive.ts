/** An archive with all that runs on a machine like this one: unpacked, `bin/neurabalancer` in it works as it stands. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { copyDependencies } from "./dependencies.ts";
import { epochSeconds, ROOT, reproducible, run, unpackShipped } from "./run.ts";

/** What is shipped, with Bun and the libraries that run here. @returns the directory, below `scratch`. */
export function completeTree(scratch: string): string {
  const tree = unpackShipped(scratch);
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  copyDependencies(ROOT, tree, packages);
  return tree;
}

/** The version, from package.json of a tree. */
export function versionOf(tree: string): string {
  return JSON.parse(readFileSync(join(tree, "package.json"), "utf8")).version;
}

/** Makes the archive in `out`. @returns its file. */
export function buildArchive(out: string, scratch: string): string {
  const tree = completeTree(scratch);
  const name = `neurabalancer-${versionOf(tree)}-${process.platform}-${process.arch}`;
  const file = join(out, `${name}.tar.gz`);
  const renamed = `--transform=s,^package,${name},`;
  // gzip -n: no time of its own.
  run("tar", [
    ...reproducible(epochSeconds()),
    "--use-compress-program=gzip -n",
    renamed,
    "-cf",
    file,
    "-C",
    scratch,
    "package",
  ]);
  return file;
}
