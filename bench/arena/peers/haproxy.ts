/** HAProxy as a contestant: two ways to balance, each plain and tuned for servers that fail; and with requests held back. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { haproxyCommand, haproxyVersion } from "../../common/programs.ts";
import type { Contestant, ContestantSetup } from "../contestant.ts";

const METHODS = { leastconn: "leastconn", random: "random(2)" } as const;

type Method = keyof typeof METHODS;

/** `maxconn` of each server: requests beyond it wait in HAProxy for the first server that has room. */
type Maxconn = (setup: ContestantSetup) => readonly number[] | null;

const UNLIMITED: Maxconn = () => null;
/** What its users are told to do: the same for all servers, as many as they were planned with. */
const PLANNED: Maxconn = ({ servers, plannedWorkers }) => servers.map(() => plannedWorkers);
/** What nobody knows: one queue for the fleet. */
const TRUE: Maxconn = ({ workers }) => workers;

/** All ways in which HAProxy takes part. */
export const HAPROXY: readonly Contestant[] = [
  ...(Object.keys(METHODS) as Method[]).flatMap((method) => [
    contestant(`haproxy-${method}`, `HAProxy, ${METHODS[method]}, health checks`, method, false),
    contestant(
      `haproxy-${method}-tuned`,
      `HAProxy, ${METHODS[method]}, health checks, retries after errors of 5xx too, passive marking`,
      method,
      true,
    ),
  ]),
  contestant(
    "haproxy-maxconn",
    "as haproxy-leastconn-tuned, with the servers' mean of workers as maxconn of each",
    "leastconn",
    true,
    PLANNED,
  ),
  {
    ...contestant(
      "central-queue",
      "as haproxy-maxconn, with what each server really works on at a time: one queue for the fleet",
      "leastconn",
      true,
      TRUE,
    ),
    side: "reference",
  },
];

function contestant(
  name: string,
  description: string,
  method: Method,
  tuned: boolean,
  maxconn: Maxconn = UNLIMITED,
): Contestant {
  return {
    name,
    side: "peer",
    description,
    version: () => {
      const version = haproxyVersion();
      return version === null ? null : `HAProxy ${version}`;
    },
    prepare: (setup) => {
      const { directory } = setup;
      const file = join(directory, "haproxy.cfg");
      writeFileSync(file, haproxyConfig(setup, method, tuned, maxconn(setup)));
      return { command: haproxyCommand(file), env: {}, logFile: join(directory, "out.log") };
    },
    hedges: null,
  };
}

/**
 * The whole configuration file. Plain: health checks as they come by default, and attempts that got no connection are
 * repeated, at last with another server. Tuned: checks every second, another server at once after any failure, errors that
 * a server answers included, and five errors in a row take a server out until its checks have passed twice.
 * @param maxconn by server; null = none has any.
 */
export function haproxyConfig(
  setup: ContestantSetup,
  method: Method,
  tuned: boolean,
  maxconn: readonly number[] | null = null,
): string {
  const { port, servers, tryTimeoutMs } = setup;
  const checks = tuned ? "check inter 1s fall 2 rise 2 observe layer7 error-limit 5 on-error mark-down" : "check"; // every 2 s, three failures, two passes
  const retries = tuned
    ? `retries 3
  option redispatch 1
  retry-on conn-failure empty-response junk-response response-timeout 500 502 503 504`
    : "option redispatch";
  return `
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 2s
  timeout client 3600s
  timeout queue 60s
  timeout server ${tryTimeoutMs}ms
  timeout http-request 10s
  timeout http-keep-alive 3600s
  ${retries}
frontend clients
  bind 127.0.0.1:${port} backlog 4096
  default_backend servers
backend servers
  balance ${METHODS[method]}
  http-reuse always
  option httpchk GET /health
  default-server ${checks}
  ${servers.map(({ host, port: at }, index) => `server s${index + 1} ${host}:${at}${maxconn === null ? "" : ` maxconn ${maxconn[index]}`}`).join("\n  ")}
`;
}
