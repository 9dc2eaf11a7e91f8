/**
 * `bun scripts/release/check.ts v0.2.0`: may this tag become a release? Says `version=…` and `prerelease=…`, as a step of a
 * workflow hands them on, or everything that is wrong, with exit code 1. Changes nothing.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sectionOf } from "./changelog.ts";
import { statedVersions } from "./places.ts";
import { contradictions, versionOf } from "./tag.ts";

const ROOT = join(import.meta.dir, "../..");

function main(tag: string | undefined): number {
  if (tag === undefined) {
    console.error("which tag? bun scripts/release/check.ts v1.2.3");
    return 1;
  }
  try {
    const { version, isPrerelease } = versionOf(tag);
    const wrong = contradictions(version, statedVersions(ROOT));
    if (wrong.length > 0) throw new Error(`the tag is ${tag}, but\n  ${wrong.join("\n  ")}`);
    sectionOf(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"), version);
    console.log(`version=${version}\nprerelease=${isPrerelease}`);
    return 0;
  } catch (error) {
    console.error(`${(error as Error).message}\nno release: mend it, and tag the commit that does`);
    return 1;
  }
}

process.exitCode = main(process.argv[2]);
