/**
 * `bun scripts/release/notes.ts v0.2.0 [owner/name]`: the text of a release, from its section of CHANGELOG.md, with links into the
 * repository of that name at that tag.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { releaseNotes, sectionOf } from "./changelog.ts";
import { versionOf } from "./tag.ts";

const ROOT = join(import.meta.dir, "../..");

function main(tag: string | undefined, repository = "neurabalancer/neurabalancer"): number {
  if (tag === undefined) {
    console.error("which tag? bun scripts/release/notes.ts v1.2.3 [owner/name]");
    return 1;
  }
  try {
    const section = sectionOf(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"), versionOf(tag).version);
    process.stdout.write(releaseNotes(section, { repository, tag }));
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

process.exitCode = main(process.argv[2], process.argv[3]);
