/** NeuraBalancer from a checkout, as it ships, but that it keeps nothing of its traffic. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LEARNED_STRATEGY } from "../../../src/balancing/registry.ts";
import { checkoutVersion, KEEPS_NOTHING, launcherOf, type Start } from "../../common/programs.ts";
import type { Variant } from "../variants.ts";
import type { Peer, PeerSetup } from "./peer.ts";

/**
 * @param root the checkout; its node_modules may be a link to another's.
 * @param variant left out = in no other way.
 */
export function neuraBalancer(name: string, title: string, root: string, variant: Variant = { name }): Peer {
  const { strategy, file, limits = false, history = false, telemetry = false } = variant;
  const learns = strategy === LEARNED_STRATEGY || limits;
  const launcher = launcherOf(root);
  return {
    name,
    title,
    proxies: true,
    sharesPorts: true,
    asksHttp2: true,
    observed: telemetry,
    aside: (learns ? 1 : 0) + (history ? 1 : 0) + (telemetry ? 1 : 0),
    version: () => checkoutVersion(root),
    prepare: ({ directory, port, tlsPort, certFile, keyFile, backendPorts, workers, ...setup }: PeerSetup): Start => {
      const scheme = setup.servers === "http2" ? "h2c" : "http";
      return {
        command: [launcher, "serve"],
        env: {
          ...KEEPS_NOTHING,
          ...(history && { HISTORY: "on", DATA_DIR: join(directory, "data") }),
          ...passedOn(),
          APP_HOST: "127.0.0.1",
          APP_PORT: String(port),
          ADMIN_PORT: "0",
          WORKERS: String(workers),
          ...(file === undefined
            ? { SERVERS: backendPorts.map((backend) => `${scheme}://127.0.0.1:${backend}`).join(",") }
            : { CONFIG_FILE: writeFile(directory, file(backendPorts)) }),
          // What the others write too, so that all do the same work; with all telemetry on, what we write by default.
          ...(!telemetry && {
            ACCESS_LOG_FIELDS: "ts,request_id,method,path,status,duration,remote_ip,server_id,bytes,trace_id",
          }),
          ACCESS_LOG: setup.accessLog || telemetry ? "on" : "off",
          ...(telemetry && {
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${setup.observerPort}`,
            OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
            OTEL_TRACES_SAMPLER_ARG: "0.01",
          }),
          LOG_LEVEL: "warn",
          ...(strategy !== undefined && { LB_STRATEGY: strategy }),
          ...(limits && { CONCURRENCY_LIMITS: "learned" }),
          ...(tlsPort > 0 && { TLS_PORT: String(tlsPort), TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }),
        },
        logFile: join(directory, "access.log"),
      };
    },
  };
}

function writeFile(directory: string, text: string): string {
  const path = join(directory, "neurabalancer.yaml");
  writeFileSync(path, text);
  return path;
}

/** What the launcher would take from its surroundings, so that it can be measured with another value. */
function passedOn(): Record<string, string> {
  const { MIMALLOC_PURGE_DELAY } = process.env;
  return MIMALLOC_PURGE_DELAY === undefined ? {} : { MIMALLOC_PURGE_DELAY };
}
