/**
 * What stands for the containers of docker-compose.yml, so that commands run as they are written: addresses of the stack lead to its
 * processes, and what those print has the addresses of the stack. `docker compose` of Docker itself is never asked.
 */
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PASSWORD } from "../../test/support/databases/postgres-server.ts";
import { BACKENDS, type Stack } from "./stack.ts";

const ROOT = join(import.meta.dir, "../..");
/** Published by docker-compose.yml on this machine, by the name of what listens there. */
const PUBLISHED: Readonly<Record<string, number>> = {
  "load-balancer": 8080,
  admin: 8090,
  "model-server": 8081,
  ...BACKENDS,
  prometheus: 9090,
  loki: 3100,
};

/** Serves what `docker compose kill`, `start` and `logs` ask for; whoever starts it stops it. */
export function serveControl(stackOf: () => Stack): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async ({ url }) => {
      const [, action, name] = new URL(url).pathname.split("/");
      try {
        const stack = stackOf();
        if (action === "logs" && name === "load-balancer") return new Response(asInStack(stack.processLog, stack));
        if (action === "kill") await stack.killBackend(name);
        else if (action === "start") await stack.startBackend(name);
        else return new Response(`nothing stands for "docker compose ${action} ${name}"\n`, { status: 404 });
        return new Response("");
      } catch (error) {
        return new Response(`${(error as Error).message}\n`, { status: 500 });
      }
    },
  });
}

/**
 * Makes what a reader of the document has in front of him, a checkout, as far as its commands need one.
 * @param control where `serveControl` listens. @returns what a bash in it begins with.
 */
export function prepareReader(directory: string, control: string): string {
  copyFileSync(join(ROOT, ".env.example"), join(directory, ".env.example"));
  return `exec 2>&1
cd ${quoted(directory)}
export CURL_HOME=$PWD PGTZ=UTC PSQL_PAGER=cat PGPASSWORD=${PASSWORD}
docker() {
  local action="$1 $2"
  shift 2
  case $action in
    "compose exec")
      [ "$1" = -T ] && shift
      local program="$1 $2"
      shift 2
      case $program in
        "postgres psql") psql -h 127.0.0.1 -p "$(cat postgres-port)" "$@" ;;
        "load-balancer neurabalancer") ./neurabalancer "$@" ;;
        *) echo "nothing stands for docker compose exec $program"; return 125 ;;
      esac
      ;;
    "compose kill" | "compose start" | "compose logs")
      curl -sS --fail-with-body "${control}/\${action#compose }/\${!#}"
      ;;
    *) echo "nothing stands for docker $action $*"; return 125 ;;
  esac
}
`;
}

/** Has commands of the reader find the stack. */
export function connectReader(directory: string, stack: Stack): void {
  writeFileSync(join(directory, ".curlrc"), connections(stack));
  writeFileSync(join(directory, "postgres-port"), `${stack.portOf("postgres")}`);
  const launcher = join(directory, "neurabalancer");
  writeFileSync(launcher, launcherText(stack));
  chmodSync(launcher, 0o755);
}

/** Ports of the stack's addresses, as curl finds them. */
function connections(stack: Stack): string {
  const lines = Object.entries(PUBLISHED).flatMap(([name, port]) => {
    const here = stack.ports.get(name);
    return here === undefined ? [] : [`connect-to = "localhost:${port}:127.0.0.1:${here}"\n`];
  });
  return lines.join("");
}

/** The launcher, told where the stack's addresses are. */
function launcherText(stack: Stack): string {
  const addresses = [...Object.entries(BACKENDS), ["localhost", 8080] as const];
  const rules = addresses.map(([name, port]) => {
    const here = stack.addressOf(name === "localhost" ? "load-balancer" : name);
    return ` -e 's/${name}:${port}/${here}/'`;
  });
  return `#!/bin/sh
for argument; do
  shift
  set -- "$@" "$(printf %s "$argument" | sed${rules.join("")})"
done
export ADMIN_PORT=${stack.portOf("admin")}
exec ${quoted(join(ROOT, "bin/neurabalancer"))} "$@"
`;
}

/** Output with the addresses of the stack in the place of this machine's. */
export function asInStack(output: string, stack: Stack): string {
  let text = output;
  for (const [name, here] of stack.ports) {
    const port = PUBLISHED[name];
    if (port === undefined) continue;
    const host = name in BACKENDS ? name : "localhost";
    text = text
      .replaceAll(`127.0.0.1:${here}`, `${host}:${port}`)
      .replaceAll(new RegExp(`\\b${here}\\b`, "g"), `${port}`);
  }
  return text;
}

/** A page's address on this machine. */
export function addressHere(url: string, stack: Stack): string {
  const found = new URL(url);
  const [name] = Object.entries(PUBLISHED).find(([, port]) => `${port}` === found.port) ?? [];
  if (name === undefined) throw new Error(`nothing of the stack is at ${url}`);
  found.host = stack.addressOf(name);
  return found.href;
}

/** A word of bash. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
