/** Makes a pool's part in what instances share, of what its learning is made from. */
import { LearnerCounter } from "../../../shared/memory/layout/learning.ts";
import type { LearningStore } from "../../../storage/learning-store.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import { ModelRegistry, type ScriptLink } from "../../cluster/model/model-registry.ts";
import { readSharedModelNote } from "../../cluster/model/note.ts";
import { SHARING_TIMES, SharedModel, type SharingTimes } from "../../cluster/model/shared-model.ts";
import type { PoolGauges } from "../../serving/pool-gauges.ts";
import { CLUSTER_NOTE, PoolHolder, type PoolHolderOptions } from "./pool-holder.ts";

/** A learner that is not heard of for so long is not counted, milliseconds. */
const LEARNER_MS = 10_000;
/** A model that nobody asks for any more is forgotten, milliseconds: a month. */
const KEEP_MS = 30 * 24 * 3600 * 1000;

/** The instances that share models. */
export interface ModelCluster {
  readonly link: ScriptLink;
  /** What they are called together. */
  readonly name: string;
  /** This one of them. */
  readonly instance: { readonly id: string; readonly name: string };
  /** Default: the product's. */
  readonly times?: SharingTimes;
}

/** What a pool's part is made from. */
export interface ShareOptions extends PoolHolderOptions {
  readonly cluster: ModelCluster;
  readonly store: LearningStore;
  readonly log: Logger;
  readonly counters: Float64Array;
  readonly gauges: PoolGauges;
}

const COUNTERS = {
  adopted: LearnerCounter.CLUSTER_ADOPTED,
  published: LearnerCounter.CLUSTER_PUBLISHED,
  unusable: LearnerCounter.CLUSTER_UNUSABLE,
} as const;

const GAUGES = { leading: LearnerCounter.CLUSTER_LEADING, away: LearnerCounter.CLUSTER_AWAY } as const;

/** Goes on with what the store has kept of it. Never rejects. */
export async function shareModel(options: ShareOptions): Promise<SharedModel> {
  const { cluster, pool, store, log, counters, gauges, nowMs, wallMs } = options;
  const { link, name, instance, times = SHARING_TIMES } = cluster;
  const kept = readSharedModelNote(await store.note(pool, CLUSTER_NOTE).catch(() => null));
  const lasting = { leaseMs: times.leaseMs, learnerMs: LEARNER_MS, keepMs: KEEP_MS };
  return new SharedModel({
    registry: new ModelRegistry(link, { cluster: name, pool }, instance, lasting),
    instance,
    holder: new PoolHolder(options),
    kept,
    log,
    nowMs,
    wallMs,
    times,
    count: (what) => {
      counters[COUNTERS[what]]++;
    },
    show: (what, on) => gauges.set(GAUGES[what], on),
  });
}
