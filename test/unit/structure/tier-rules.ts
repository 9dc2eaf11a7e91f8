/**
 * What keeps the tiers of tests what they are: a unit test starts nothing and waits for nothing, and processes are started
 * in one place, so that they are ended with the run.
 */
import TIERS from "../../../scripts/test-tiers.json";
import { importsOf, isFreeName } from "./import-rules.ts";
import type { SourceFile } from "./source-tokens.ts";

/** The one place that starts processes for tests. */
const STARTER = "test/support/processes.ts";
/** What stands on it for everybody. */
const STARTS = [STARTER, "test/support/product-process.ts"];
const UNIT = "test/unit/";
/** Waits for time to pass. */
const WAITS = ["setTimeout", "setInterval"];
const BUN_WAITS = ["sleep", "sleepSync"];
const BUN_SOCKETS = ["serve", "listen", "connect", "udpSocket"];
const BUN_PROCESSES = ["spawn", "spawnSync", "$"];
const SOCKET_MODULES = /^(node:)?(net|tls|dgram|http|https|http2)$/;
const THREAD_MODULES = /^(node:)?(worker_threads|cluster)$/;
const PROCESS_MODULES = /^(node:)?child_process$/;

/** Test files that no tier would run. */
export function homeless(paths: readonly string[]): string[] {
  const folders = Object.values(TIERS).flatMap((tier) => tier.folders);
  return paths.filter((path) => path.endsWith(".test.ts") && !folders.some((folder) => path.startsWith(`${folder}/`)));
}

/** Where files start processes other than through the one place for it, as `path:line: what`. */
export function processOffences(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => path !== STARTER)
    .flatMap((file) => [...membersOfBun(file, BUN_PROCESSES), ...imports(file, PROCESS_MODULES)])
    .map((found) => `${found}: start it by ${STARTER}`);
}

/** What files below test/unit do that a unit test does not. */
export function unitOffences(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => path.startsWith(UNIT) && !path.startsWith(`${UNIT}structure/`))
    .flatMap((file) => [
      ...membersOfBun(file, [...BUN_WAITS, ...BUN_SOCKETS, ...BUN_PROCESSES]),
      ...imports(file, SOCKET_MODULES),
      ...imports(file, THREAD_MODULES),
      ...imports(file, PROCESS_MODULES),
      ...importsOf(file)
        .filter((each) => each.file !== null && (STARTS.includes(each.file) || /^test\/(drill|e2e)\//.test(each.file)))
        .map(({ line, specifier }) => `${file.path}:${line}: ${specifier}`),
      ...globals(file, WAITS),
    ])
    .map((found) => `${found}: no unit test; it belongs into test/integration or test/drill`);
}

function membersOfBun(file: SourceFile, members: readonly string[]): string[] {
  const { path, tokens } = file;
  return tokens.flatMap(({ text, line }, i) => {
    const member = tokens[i + 2]?.text;
    const found = text === "Bun" && isFreeName(file, i) && tokens[i + 1]?.text === "." && members.includes(member);
    return found ? [`${path}:${line}: Bun.${member}`] : [];
  });
}

function globals(file: SourceFile, names: readonly string[]): string[] {
  const { path, tokens } = file;
  return tokens.flatMap(({ text, line }, i) =>
    names.includes(text) && isFreeName(file, i) && tokens[i + 1]?.text === "(" ? [`${path}:${line}: ${text}`] : [],
  );
}

function imports(file: SourceFile, modules: RegExp): string[] {
  return importsOf(file)
    .filter(({ specifier }) => modules.test(specifier))
    .map(({ line, specifier }) => `${file.path}:${line}: ${specifier}`);
}
