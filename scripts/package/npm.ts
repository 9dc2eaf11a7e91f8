/** The package for npm: what package.json lists, with the manifest that strangers should get. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, unpackShipped } from "./run.ts";

/** The parts of package.json that change. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/**
 * What a repository has and a package does not: commands for its files, and what keeps `npm publish` from publishing the
 * directory instead of the file made here.
 */
const OURS_ALONE = ["private", "scripts", "devDependencies"];

/**
 * Whoever wants it installs it beside: it is used for models made elsewhere alone, and its install step fetches libraries for
 * graphics cards from outside the registry, and fails where it cannot. In the repository .npmrc keeps it from that; a package
 * cannot.
 */
const BESIDE = "onnxruntime-node";

/** The manifest of the package, from the repository's. */
export function publishedManifest(manifest: Manifest): Manifest {
  const { [BESIDE]: version, ...dependencies } = manifest.dependencies;
  const kept = Object.entries(manifest).filter(([field]) => !OURS_ALONE.includes(field));
  return {
    ...(Object.fromEntries(kept) as unknown as Manifest),
    dependencies,
    peerDependencies: { [BESIDE]: `^${version}` },
    peerDependenciesMeta: { [BESIDE]: { optional: true } },
  };
}

/** Makes the package in `out`. @returns its file. */
export function buildNpmPackage(out: string, scratch: string): string {
  const directory = unpackShipped(scratch);
  const file = join(directory, "package.json");
  const manifest = publishedManifest(JSON.parse(readFileSync(file, "utf8")));
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  return join(out, run("npm", ["pack", "--silent", "--pack-destination", out], directory).trim());
}
