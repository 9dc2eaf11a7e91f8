/** NeuraBalancer as a contestant: every strategy that could serve this fleet, and hedging on top of some. */
import { join } from "node:path";
import { LEARNED_STRATEGY, STRATEGY_NAMES } from "../../../src/balancing/registry.ts";
import { checkoutVersion, KEEPS_NOTHING, launcherOf } from "../../common/programs.ts";
import type { Contestant, ContestantSetup } from "../contestant.ts";

/** Behind a strategy's name: with hedged requests. */
export const HEDGED = "+hedge";
/** Behind the name of one that holds requests by learned limits unless told not to: told not to. Behind another: told to. */
export const UNHELD = "+unheld";
export const HELD = "+held";
/** One that knows what kinds of requests cost unless told not to: told not to. */
export const UNCLASSED = "+unclassed";
/** Hedged requests, percent of all. */
const HEDGE_BUDGET = 5;

/** Left out: placement by key is not meant to be fast, and with equal weights (nobody is told any) the other is `round_robin`. */
const NOT_COMPARED: readonly string[] = ["consistent_hash", "weighted_round_robin"];

/** Every strategy that takes part; some that hold requests, or do not, where that is not usual; and each with hedging. @param root the checkout that is started. */
export function ours(root: string): readonly Contestant[] {
  const names = STRATEGY_NAMES.filter((name) => !NOT_COMPARED.includes(name));
  return [
    ...names.map((name) => contestant(root, name)),
    contestant(root, LEARNED_STRATEGY, UNHELD, { CONCURRENCY_LIMITS: "off" }),
    contestant(root, LEARNED_STRATEGY, UNCLASSED, { REQUEST_CLASSES: "off" }),
    ...["least_connections", "adaptive"].map((name) => contestant(root, name, HELD, { CONCURRENCY_LIMITS: "learned" })),
    ...names.map((name) => contestant(root, name, HEDGED)),
  ];
}

/** @param more settings that make the variant. */
function contestant(
  root: string,
  strategy: string,
  variant: "" | typeof HEDGED | typeof HELD | typeof UNHELD | typeof UNCLASSED = "",
  more: Readonly<Record<string, string>> = {},
): Contestant {
  const hedged = variant === HEDGED;
  const said = Object.entries(more).map(([name, value]) => `, ${name}=${value}`);
  return {
    name: strategy + variant,
    side: "ours",
    description: `NeuraBalancer, LB_STRATEGY=${strategy}${hedged ? `, hedging within ${HEDGE_BUDGET} %` : said.join("")}`,
    version: () => {
      const version = checkoutVersion(root);
      return version === null ? null : `NeuraBalancer ${version}`;
    },
    prepare: (setup) => ({
      command: [launcherOf(root), "serve"],
      env: { ...environment(setup, strategy), ...more },
      logFile: join(setup.directory, "out.log"),
    }),
    hedges: hedged ? strategy : null,
  };
}

/**
 * As it ships, but that it keeps nothing of its traffic, for what all contestants are told (one worker, no access log, when an attempt has failed), and that an
 * answer of 5xx is to be asked for again elsewhere, which the tuned peers are told, too.
 */
export function environment(setup: ContestantSetup, strategy: string): Readonly<Record<string, string>> {
  const { port, servers, tryTimeoutMs, p95Ms } = setup;
  return {
    ...KEEPS_NOTHING,
    APP_HOST: "127.0.0.1",
    APP_PORT: String(port),
    ADMIN_PORT: "0",
    WORKERS: "1",
    SERVERS: servers.map(({ host, port: at }) => `http://${host}:${at}`).join(","),
    LB_STRATEGY: strategy,
    PER_TRY_TIMEOUT_MS: String(tryTimeoutMs),
    RETRY_ON_STATUS: "5xx",
    IDLE_TIMEOUT_MS: "3600000",
    SHUTDOWN_TIMEOUT_SECONDS: "0",
    ACCESS_LOG: "off",
    LOG_LEVEL: "warn",
    ...(p95Ms !== null && {
      HEDGE_AFTER_MS: String(Math.max(1, Math.round(p95Ms))),
      HEDGE_BUDGET_PERCENT: String(HEDGE_BUDGET),
    }),
  };
}
