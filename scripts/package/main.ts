/**
 * `npm run package [npm] [tar] [deb]`: makes what is released beside images, in dist/: the package for npm, an archive that runs
 * where it is unpacked, and a package for Debian and its kin; the last two for the machine that this runs on. Needs tar, and
 * dpkg-deb for the last.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildArchive } from "./archive.ts";
import { buildDebianPackage } from "./debian.ts";
import { buildNpmPackage } from "./npm.ts";
import { ROOT } from "./run.ts";

/** Each kind: makes its file in `out`, with `scratch` for what is in between. @returns the file. */
const KINDS: Readonly<Record<string, (out: string, scratch: string) => string>> = {
  npm: buildNpmPackage,
  tar: buildArchive,
  deb: buildDebianPackage,
};

function main(asked: readonly string[]): number {
  const unknown = asked.filter((kind) => !Object.hasOwn(KINDS, kind));
  if (unknown.length > 0) {
    console.error(`package: there is no ${unknown.join(", ")}; there are ${Object.keys(KINDS).join(", ")}`);
    return 1;
  }
  const out = join(ROOT, "dist");
  mkdirSync(out, { recursive: true });
  for (const kind of asked.length > 0 ? asked : Object.keys(KINDS)) {
    const scratch = mkdtempSync(join(tmpdir(), "neurabalancer-package-"));
    try {
      console.log(KINDS[kind](out, scratch));
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
