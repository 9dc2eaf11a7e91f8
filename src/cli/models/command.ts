/** `neurabalancer models`: what was learned, read from the store, beside a running instance or without one. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type LearnerOrder,
  ORDER_SCOPES,
  ORDERS_OF_A_VERSION,
  ORDERS_OF_THE_CHAMPION,
} from "../../protocol/learner.ts";
import type { LearningReader, Model, StoredModelFiles, Verdict } from "../../storage/learning-store.ts";
import { openStoreReader } from "../../storage/open-store.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { print, printJson } from "../output.ts";
import { poolQuery } from "../pool-query.ts";
import { withSourceFlags } from "../source-flags.ts";
import { type StoreFlags, storeLocation } from "../store-location.ts";
import { registerModelsCheck } from "./check.ts";
import { registerModelsServing } from "./serving.ts";
import { ageText, describeModel, modelTable, verdictTable } from "./text.ts";

const HELP = `
list, show, verdicts and export read the store in DATA_DIR; an instance may be running. check reads files alone. The others ask
a running instance, or order it about, over its admin port (ADMIN_PORT). Each pool of servers has models of its own; versions are never given twice.
A pool that another strategy than ml balances has none, or those of before; samples of its traffic may be kept (LEARNING_SAMPLES).

Examples:
  $ neurabalancer models list
  $ neurabalancer models show 7
  $ neurabalancer models verdicts --model 7 --json
  $ neurabalancer models export 7 ./model-7        load_balancer.onnx, scaler.json, inference_features.json
  $ neurabalancer models list --pool shop
  $ neurabalancer models check ./model-7           may it serve? scripts/deploy_model.sh asks first
  $ neurabalancer models serving                   by which model is routed now, and if by none, why?
  $ neurabalancer models rollback --admin http://127.0.0.1:8090

A model is at first a candidate, then on trial without traffic (shadow), then with a share of it (canary), then the
champion, which routes; at the end it is retired, or rejected because it was not good enough.

Exit codes:
  0  done
  1  there is no store, no such model, it may not serve, the store cannot be read, or the instance refuses; standard error says which`;

/** Verdicts that `show` tells. */
const SHOWN_VERDICTS = 20;

interface ReadingFlags extends StoreFlags {
  readonly pool?: string;
  readonly json?: boolean;
}

interface OrderFlags extends AdminFlags {
  readonly pool?: string;
  readonly scope?: string;
}

/** Orders with their descriptions; `<version>` where they are about one model. */
const ORDERS: readonly (readonly [order: LearnerOrder, description: string])[] = [
  ["promote", "make a model the champion at once; it is watched, and rolled back if it is worse"],
  ["rollback", "back to the champion before"],
  ["reject", "end the trial of a candidate"],
  ["pause", "no model moves on by itself until resume; the guardrail goes on"],
  ["resume", "undo pause"],
  ["train", "train a model now"],
];

/** Adds the `models` command to `program`. */
export function registerModels(program: Command): void {
  const models = program
    .command("models")
    .description("show the models that were learned, and the verdicts on them")
    .addHelpText("after", HELP);
  const command = (usage: string, description: string) =>
    withSourceFlags(models.command(usage))
      .description(description)
      .option("--data-dir <dir>", "directory of the store (default: DATA_DIR)");

  command("list", "models, the newest first")
    .option("--pool <name>", "only this pool of servers")
    .option("--limit <n>", "at most so many", whole, 100)
    .option("--json", "print JSON")
    .action(async (flags: ReadingFlags & { limit: number }) => {
      const found = await reading(flags, async (store) => {
        const list = await store.models({ limit: flags.limit, pool: flags.pool });
        return Promise.all(list.map(async (model) => ({ ...model, lastVerdict: await lastVerdict(store, model) })));
      });
      show(flags, { models: found }, () => modelTable(found, Date.now()));
    });

  command("show", "one model: its report and the verdicts on it")
    .argument("<version>", "as the list shows it", whole)
    .option("--json", "print JSON")
    .action(async (version: number, flags: ReadingFlags) => {
      const found = await reading(flags, async (store) => {
        const { model, files } = await existing(store, version);
        const verdicts = await store.verdicts({ modelVersion: model.version, limit: SHOWN_VERDICTS });
        return { model, features: JSON.parse(files.featuresJson) as unknown, verdicts };
      });
      show(flags, found, () => describeModel(found, Date.now()));
    });

  command("verdicts", "what was decided, the newest first")
    .option("--pool <name>", "only about models of this pool of servers")
    .option("--model <version>", "only about this model", whole)
    .option("--limit <n>", "at most so many", whole, 50)
    .option("--json", "print JSON")
    .action(async (flags: ReadingFlags & { limit: number; model?: number }) => {
      const query = { limit: flags.limit, pool: flags.pool, modelVersion: flags.model };
      const verdicts = await reading(flags, (store) => store.verdicts(query));
      show(flags, { verdicts }, () => verdictTable(verdicts, Date.now()));
    });

  command("export", "write a model's three files")
    .argument("<version>", "as the list shows it", whole)
    .argument("<dir>", "made when it is missing")
    .option("--force", "replace files that are there")
    .action(async (version: number, dir: string, flags: ReadingFlags & { force?: boolean }) => {
      const { model, files } = await reading(flags, (store) => existing(store, version));
      await exportFiles(files, dir, flags.force === true);
      const age = ageText(Date.now() - model.createdAtMs);
      print(`Version ${model.version} (${model.status}, made ${age} ago) is in ${dir}.`);
    });

  registerModelsCheck(models);
  registerModelsServing(models);

  for (const [order, description] of ORDERS) {
    const ordering = withAdminFlags(models.command(order))
      .description(description)
      .option("--pool <name>", "of which pool of servers, where several are learned of");
    if (ORDERS_OF_THE_CHAMPION.includes(order)) {
      const about = "instance: at this instance alone, where several share the model";
      ordering.addOption(new Option("--scope <cluster|instance>", about).choices(ORDER_SCOPES));
    }
    const send = async (flags: OrderFlags, body: object) => {
      const pool = poolQuery(flags.pool);
      const scope = flags.scope === undefined ? "" : `${pool === "" ? "?" : "&"}scope=${flags.scope}`;
      const { message } = (await askAdmin(flags, `/api/v1/ml/${order}${pool}${scope}`, { body })) as {
        message: string;
      };
      print(`Done: ${message}.`);
    };
    if (ORDERS_OF_A_VERSION.includes(order)) {
      ordering
        .argument("<version>", "as the list shows it", whole)
        .action((version: number, flags: OrderFlags) => send(flags, { version }));
    } else ordering.action((flags: OrderFlags) => send(flags, {}));
  }
}

async function reading<T>(flags: StoreFlags, read: (store: LearningReader) => Promise<T>): Promise<T> {
  const store = openStoreReader(await storeLocation(flags));
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

async function lastVerdict(store: LearningReader, { version }: Model): Promise<Verdict | null> {
  return (await store.verdicts({ modelVersion: version, limit: 1 }))[0] ?? null;
}

async function existing(store: LearningReader, version: number): Promise<{ model: Model; files: StoredModelFiles }> {
  const model = await store.model(version);
  const files = await store.modelFiles(version);
  if (model !== null && files !== null) return { model, files };
  throw new Error(`there is no model ${version}: "neurabalancer models list" shows those there are`);
}

async function exportFiles(files: StoredModelFiles, dir: string, force: boolean): Promise<void> {
  // Loaded only here: it brings what writes ONNX, which nothing else of this command needs.
  const { ONNX_FILE, SCALER_FILE, FEATURES_FILE } = await import("../../learning/models/files/model-files.ts");
  const contents: readonly (readonly [name: string, content: string | Uint8Array])[] = [
    [ONNX_FILE, files.onnx],
    [SCALER_FILE, files.scalerJson],
    [FEATURES_FILE, files.featuresJson],
  ];
  mkdirSync(dir, { recursive: true });
  for (const [name, content] of contents) {
    try {
      writeFileSync(join(dir, name), content, { flag: force ? "w" : "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw new Error(`${join(dir, name)} is there already: --force replaces it`);
    }
  }
}

function show(flags: ReadingFlags, json: unknown, text: () => string): void {
  if (flags.json) printJson(json);
  else print(text());
}

function whole(text: string): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError("Expected a whole number from 1.");
  return value;
}
