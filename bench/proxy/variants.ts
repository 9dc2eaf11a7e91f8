/** This checkout run in other ways than it ships: with another strategy, with routes of a configuration file, or telling more of itself. */
import { STRATEGY_NAMES } from "../../src/balancing/registry.ts";
import { SITE } from "../load/requests.ts";

/** One way. Variants are compared with the first that is measured. */
export interface Variant {
  readonly name: string;
  /** `LB_STRATEGY`; left out = the one it ships with. */
  readonly strategy?: string;
  /** The configuration file for servers on these ports of 127.0.0.1; left out = the environment says them. */
  readonly file?: (ports: readonly number[]) => string;
  /** `CONCURRENCY_LIMITS=learned`; left out = as it is by default with the strategy. */
  readonly limits?: boolean;
  /** `HISTORY=on`; left out = off. */
  readonly history?: boolean;
  /** Everything that tells of its traffic: history, the access log, metrics that are asked for, traces of every hundredth. */
  readonly telemetry?: boolean;
}

const HOSTS = 100;
const ROUTES_OF_A_HOST = 10;

/** All that there are. */
export const VARIANTS: readonly Variant[] = [
  ...STRATEGY_NAMES.map((strategy) => ({ name: strategy, strategy })),
  { name: "round_robin+limits", strategy: "round_robin", limits: true },
  { name: "plain" },
  { name: "history", history: true },
  { name: "telemetry", history: true, telemetry: true },
  { name: "one-route", file: (ports) => siteFile(ports, [`  - { host: ${SITE}, pool: bench }`]) },
  { name: "1000-routes", file: (ports) => siteFile(ports, manyRoutes()) },
];

/** The one of that name, if there is one. */
export function variantOf(name: string): Variant | undefined {
  return VARIANTS.find((variant) => variant.name === name);
}

/** The clients' host is one of the hundred, and what they ask for is matched by the last of its ten. */
function manyRoutes(): string[] {
  const hosts = Array.from({ length: HOSTS - 1 }, (_, i) => `site-${i}.example.com`);
  return [...hosts, SITE].flatMap((host) => [
    ...Array.from({ length: ROUTES_OF_A_HOST - 1 }, (_, i) => `  - { host: ${host}, path: /api/v${i}, pool: bench }`),
    `  - { host: ${host}, pool: bench }`,
  ]);
}

function siteFile(ports: readonly number[], routes: readonly string[]): string {
  const servers = ports.map((port) => `      - http://127.0.0.1:${port}`);
  return ["pools:", "  bench:", "    servers:", ...servers, "routes:", ...routes, ""].join("\n");
}
