/** Replaces a private file and prints what came of it: for a process that has a limit on the size of its files. */
import { replacePrivateFile } from "../../../../src/acme/store/private-file.ts";

const [path, length] = process.argv.slice(2);
try {
  replacePrivateFile(path, "x".repeat(Number(length)), "mark");
  console.log("written");
} catch (error) {
  console.log((error as NodeJS.ErrnoException).code);
}
