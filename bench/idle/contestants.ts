/** Who stands still: this product with and without checks, watchers and learning, and HAProxy with the same checks. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ServerProgram, stopProcess } from "../common/children.ts";
import { executable, freePort, haproxyCommand, KEEPS_NOTHING, launcherOf } from "../common/programs.ts";
import { serverAddress } from "./addresses.ts";

/** What all have in common. */
export interface Fleet {
  readonly servers: number;
  readonly backendPort: number;
  readonly directory: string;
}

/** A program that is about to run. */
export interface Case extends ServerProgram {
  /** Where the admin API is; null = there is none. */
  readonly adminUrl: string | null;
  readonly stop: (child: Bun.Subprocess) => Promise<void>;
}

export interface Contestant {
  readonly name: string;
  readonly title: string;
  /** Readers of the live stream. */
  readonly watchers: number;
  readonly prepare: () => Case;
}

/** All that can run on this machine. @param watchers readers of the live stream where it is watched. */
export function contestants(fleet: Fleet, watchers: number): Contestant[] {
  const settings: { name: string; title: string; env: Record<string, string>; watchers?: number }[] = [
    { name: "checks", title: "NeuraBalancer", env: {} },
    { name: "watched", title: `with ${watchers} that watch`, env: {}, watchers },
    {
      name: "no-checks",
      title: "without checks",
      env: { HEALTH_CHECK_ENABLED: "false", METRICS_POLL_ENABLED: "false" },
    },
    { name: "ml", title: "LB_STRATEGY=ml", env: { LB_STRATEGY: "ml" } },
    { name: "samples", title: "LEARNING_SAMPLES=on", env: { LEARNING_SAMPLES: "on" } },
    { name: "limits", title: "CONCURRENCY_LIMITS=learned", env: { CONCURRENCY_LIMITS: "learned" } },
  ];
  const ours = settings.map(({ name, title, env, watchers: watching = 0 }) => {
    return { name, title, watchers: watching, prepare: () => balancer(fleet, name, env) };
  });
  if (executable("haproxy") === null) return ours;
  return [...ours, { name: "haproxy", title: "HAProxy", watchers: 0, prepare: () => haproxy(fleet) }];
}

function balancer(fleet: Fleet, name: string, env: Readonly<Record<string, string>>): Case {
  const directory = join(fleet.directory, name);
  mkdirSync(directory);
  const port = freePort();
  const adminPort = freePort();
  return {
    title: name,
    command: [launcherOf(join(import.meta.dir, "../..")), "serve"],
    env: {
      ...KEEPS_NOTHING,
      SERVERS: addresses(fleet)
        .map((address) => `http://${address}`)
        .join(","),
      APP_HOST: "127.0.0.1",
      APP_PORT: String(port),
      ADMIN_PORT: String(adminPort),
      DATA_DIR: join(directory, "data"),
      LOG_LEVEL: "warn",
      ...env,
    },
    logFile: join(directory, "stdout.log"),
    directory,
    readyUrl: `http://127.0.0.1:${port}/health/live`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    stop: stopProcess,
  };
}

function haproxy(fleet: Fleet): Case {
  const directory = join(fleet.directory, "haproxy");
  mkdirSync(directory);
  const port = freePort();
  const file = join(directory, "haproxy.cfg");
  writeFileSync(
    file,
    `
global
  nbthread 2
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 60s
  timeout check 3s
  default-server check inter 5s fall 3 rise 1
frontend clients
  bind 127.0.0.1:${port}
  default_backend servers
backend servers
  balance leastconn
  option httpchk GET /health
  ${addresses(fleet)
    .map((address, index) => `server s${index} ${address}`)
    .join("\n  ")}
`,
  );
  return {
    title: "HAProxy",
    command: haproxyCommand(file),
    env: {},
    logFile: join(directory, "stdout.log"),
    directory,
    readyUrl: `http://127.0.0.1:${port}/`,
    adminUrl: null,
    stop: stopProcess,
  };
}

function addresses({ servers, backendPort }: Fleet): string[] {
  return Array.from({ length: servers }, (_, index) => `${serverAddress(index)}:${backendPort}`);
}
