/** nginx as a contestant: two ways to balance, each plain and tuned for servers that fail. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nginxCommand, nginxPreamble, nginxVersion } from "../../common/programs.ts";
import type { Contestant, ContestantSetup } from "../contestant.ts";

const TITLE = "nginx";
const METHODS = { least_conn: "least_conn", random: "random two least_conn" } as const;

type Method = keyof typeof METHODS;

/** All ways in which nginx takes part. */
export const NGINX: readonly Contestant[] = (Object.keys(METHODS) as Method[]).flatMap((method) => [
  contestant(method, false),
  contestant(method, true),
]);

function contestant(method: Method, tuned: boolean): Contestant {
  return {
    name: `nginx-${method}${tuned ? "-tuned" : ""}`,
    side: "peer",
    description: `nginx, ${METHODS[method]}${tuned ? ", trying another server after errors of 5xx too, passive marking" : ""}`,
    version: () => {
      const version = nginxVersion();
      return version === null ? null : `${TITLE} ${version}`;
    },
    prepare: (setup) => {
      const { directory } = setup;
      const file = join(directory, "nginx.conf");
      mkdirSync(join(directory, "temporary"));
      writeFileSync(file, nginxConfig(setup, method, tuned));
      return { command: nginxCommand(directory, file), env: {}, logFile: join(directory, "out.log") };
    },
    hedges: null,
  };
}

/**
 * The whole configuration file. Plain: what nginx does by itself, which is another server when one refuses or times out,
 * and ten seconds without one that failed. Tuned: the same for errors that a server answers, up to three servers, and
 * marking that neither one slow response triggers nor keeps a server out for long.
 */
export function nginxConfig(setup: ContestantSetup, method: Method, tuned: boolean): string {
  const { directory, port, servers, tryTimeoutMs } = setup;
  const marking = tuned ? " max_fails=3 fail_timeout=5s" : "";
  const retries = tuned
    ? `proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504 non_idempotent;
      proxy_next_upstream_tries 3;`
    : "";
  return `${nginxPreamble(directory, 1)}
  access_log off;
  upstream servers {
    ${METHODS[method]};
    ${servers.map(({ host, port: at }) => `server ${host}:${at}${marking};`).join("\n    ")}
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    location / {
      proxy_pass http://servers;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_connect_timeout 2s;
      proxy_read_timeout ${tryTimeoutMs}ms;
      ${retries}
    }
  }
}
`;
}
