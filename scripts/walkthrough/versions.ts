/** Which programs a run was made with. */
import { join } from "node:path";
import { version } from "../../package.json";
import { postgresPrograms } from "../../test/support/databases/postgres-server.ts";
import { run } from "../../test/support/processes.ts";
import type { Extras } from "./stack.ts";

/** Each as `name version`, ours first. */
export async function versionsHere({ loki, collector }: Extras): Promise<string[]> {
  const postgres = join(postgresPrograms() ?? "", "postgres");
  const asked: [name: string, command: string[]][] = [
    ["PostgreSQL", [postgres, "--version"]],
    ["Redis", ["redis-server", "--version"]],
    ["Prometheus", ["prometheus", "--version"]],
    ["curl", ["curl", "--version"]],
  ];
  if (loki !== null) asked.push(["Loki", [loki, "--version"]]);
  const found = await Promise.all(asked.map(async ([name, command]) => `${name} ${await versionOf(command)}`));
  return [`NeuraBalancer ${version}`, ...found, ...(collector ? ["the collector of npm run build:collector"] : [])];
}

async function versionOf(command: readonly string[]): Promise<string> {
  const { text, stderr } = await run(command);
  return /\d+\.\d+(?:\.\d+)*/.exec(text + stderr)?.[0] ?? "of unknown version";
}
