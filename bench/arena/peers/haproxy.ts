/** HAProxy as a contestant: two ways to balance, each plain and tuned for servers that fail. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { haproxyCommand, haproxyVersion } from "../../common/programs.ts";
import type { Contestant, ContestantSetup } from "../contestant.ts";

const METHODS = { leastconn: "leastconn", random: "random(2)" } as const;

type Method = keyof typeof METHODS;

/** All ways in which HAProxy takes part. */
export const HAPROXY: readonly Contestant[] = (Object.keys(METHODS) as Method[]).flatMap((method) => [
  contestant(method, false),
  contestant(method, true),
]);

function contestant(method: Method, tuned: boolean): Contestant {
  return {
    name: `haproxy-${method}${tuned ? "-tuned" : ""}`,
    side: "peer",
    description: `HAProxy, ${METHODS[method]}, health checks${tuned ? ", retries after errors of 5xx too, passive marking" : ""}`,
    version: () => {
      const version = haproxyVersion();
      return version === null ? null : `HAProxy ${version}`;
    },
    prepare: (setup) => {
      const { directory } = setup;
      const file = join(directory, "haproxy.cfg");
      writeFileSync(file, haproxyConfig(setup, method, tuned));
      return { command: haproxyCommand(file), env: {}, logFile: join(directory, "out.log") };
    },
    hedges: null,
  };
}

/**
 * The whole configuration file. Plain: health checks as they come by default, and attempts that got no connection are
 * repeated, at last with another server. Tuned: checks every second, another server at once after any failure, errors that
 * a server answers included, and five errors in a row take a server out until its checks have passed twice.
 */
export function haproxyConfig(setup: ContestantSetup, method: Method, tuned: boolean): string {
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
  ${servers.map(({ host, port: at }, index) => `server s${index + 1} ${host}:${at}`).join("\n  ")}
`;
}
