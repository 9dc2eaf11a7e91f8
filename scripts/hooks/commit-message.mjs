/**
 * A hook of git: `node commit-message.mjs FILE` refuses a message whose first line is none of Conventional Commits, as
 * CONTRIBUTING.md asks for. What git itself writes (merges, reverts, fixups) passes.
 */
import { readFileSync } from "node:fs";

const TYPES = ["feat", "fix", "perf", "refactor", "test", "docs", "chore", "build", "ci", "merge"];
const CONVENTIONAL = new RegExp(`^(${TYPES.join("|")})(\\([a-z0-9 ,/_-]+\\))?!?: \\S`);
const OF_GIT = /^(Merge |Revert "|fixup! |squash! |amend! )/;

// Below a line of scissors stands the change itself, and git leaves out lines that begin with its mark for comments.
const text = readFileSync(process.argv[2], "utf8").split(/^# -+ >8 -+$/m)[0];
const [subject = ""] = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
if (subject !== "" && !CONVENTIONAL.test(subject) && !OF_GIT.test(subject)) {
  console.error(`The first line of the message is: ${subject}`);
  console.error(`It must begin with one of ${TYPES.join(", ")}, a colon and a space, such as "fix: what was wrong".`);
  process.exitCode = 1;
}
