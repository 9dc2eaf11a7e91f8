/** `neurabalancer models serving`: by which model does a running instance route, and if by none, why? */
import type { Command } from "commander";
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { LearningState } from "../../shared/explanation/learned.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { columns } from "../columns.ts";
import { print, printJson } from "../output.ts";

/** What is looked at in `GET /api/v1/ml`, of one pool. */
interface SaidOfPool {
  readonly rung: string;
  readonly rung_reason: string;
  /** `null` while the learner does not answer. */
  readonly models: Pick<LearningState, "source" | "champion" | "fingerprint" | "problem"> | null;
}

/** Adds it to `models`. */
export function registerModelsServing(models: Command): void {
  withAdminFlags(models.command("serving"))
    .description("show by which model each pool of a running instance is routed now")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { json?: boolean }) => {
      const answer = (await askAdmin(flags, "/api/v1/ml")) as SaidOfPool & { pools?: Record<string, SaidOfPool> };
      const pools = Object.entries(answer.pools ?? { [DEFAULT_POOL]: answer }).map(([pool, said]) => ({
        pool,
        source: said.models?.source ?? null,
        model: said.models?.champion ?? null,
        fingerprint: said.models?.fingerprint ?? null,
        rung: said.rung,
        problem: said.models === null ? said.rung_reason : said.models.problem,
      }));
      if (flags.json) printJson({ pools });
      else print(table(pools));
    });
}

function table(pools: readonly Readonly<Record<string, string | number | null>>[]): string {
  const head = ["pool", "source", "model", "fingerprint", "rung", "problem"];
  const rows = pools.map((pool) => head.map((name) => String(pool[name] ?? "-")));
  return columns([head.map((name) => name.toUpperCase()), ...rows]);
}
