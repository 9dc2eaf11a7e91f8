/** What operators change at run time, in a running instance: where it is kept, and what it changes. */

import type { RedisLink } from "../../../cluster/redis/link.ts";
import type { Config } from "../../../config/config.ts";
import type { LoadedConfig } from "../../../config/load.ts";
import { toStoreLocation } from "../../../config/sections/storage.ts";
import { withPatience } from "../../../shared/time/patience.ts";
import { openOwnStore, openReplicatedStore, openSharedStore } from "../../../storage/operations/open.ts";
import type { ReplicatedOperationsStore } from "../../../storage/operations/replicated/store.ts";
import type { KeptOverrides, OperationsStore } from "../../../storage/operations/store.ts";
import type { ControlClock } from "../../clock.ts";
import { ChangeReplication } from "../../cluster/changes/replication.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Events } from "../../events/events.ts";
import { OperatedServers } from "../../fleet/operated.ts";
import type { ControlLog } from "../../log.ts";
import { type Layering, Operations } from "../../operations/operations.ts";
import { instanceNameOf } from "../instance/cluster-options.ts";
import type { InstancePart } from "../instance-part.ts";
import { InstanceGround, type InstanceGroundOptions } from "./ground.ts";

/** A slow store keeps no instance from serving. */
const OPEN_MS = 2_000;

/** What it is made from. */
export interface OperatingOptions extends InstanceGroundOptions {
  readonly config: Config;
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
  readonly log: ControlLog;
  readonly events: Events;
  readonly clock: Pick<ControlClock, "wallMs" | "nowMs">;
  /** `null` = there is no Redis. */
  readonly redis: Pick<RedisLink, "eval"> | null;
  readonly cluster: Pick<Cluster, "id" | "ride">;
  /** Another instance has what is kept, and is about to go. */
  readonly takesOver: () => boolean;
}

/** One instance's. */
export class Operating implements InstancePart {
  readonly operations: Operations;
  readonly #ground: InstanceGround;
  readonly #store: OperationsStore;
  /** `null` = changes are of this instance alone, or all are in a database that nobody tells others of. */
  readonly replication: ChangeReplication | null;
  #opening: Layering | null = null;

  constructor(options: OperatingOptions) {
    this.#ground = new InstanceGround(options);
    const { store, replication } = this.#open(options);
    this.#store = store;
    this.replication = replication;
    this.operations = new Operations({
      ...options,
      wallMs: () => options.clock.wallMs(),
      store,
      ground: this.#ground,
    });
    if (replication !== null) options.cluster.ride(replication);
  }

  /** Reads what is kept, as far as that takes no time. @returns the configuration with it, and whom it leaves out. */
  async open(loaded: LoadedConfig): Promise<LoadedConfig> {
    const without = (trouble: string): KeptOverrides => ({ revision: 0, overrides: [], trouble });
    const read = this.#store.read().catch((error: Error) => without(error.message));
    const kept = await withPatience(read, OPEN_MS, () =>
      without(`nothing came from ${this.#store.where} in ${OPEN_MS} ms`),
    );
    this.#opening = this.operations.open(kept, loaded);
    return this.#opening.layered;
  }

  /** What is wanted of servers before the first of them is there. */
  servers(): OperatedServers {
    return new OperatedServers(this.#opening?.holds ?? []);
  }

  /** The configuration is in force with what `open` has read. */
  async opened(): Promise<void> {
    await this.#opening?.settle(true);
    this.#opening = null;
    this.replication?.start();
  }

  tick(nowMs: number): void {
    this.operations.tick(nowMs);
  }

  async stop(): Promise<void> {
    this.operations.stop();
    await this.replication?.stop();
    await this.#store.close();
  }

  /** A database, where there is one; a copy of what it has lies beside the instance in any case. */
  #open({ config, redis, cluster, log, clock }: OperatingOptions): Pick<Operating, "replication"> & {
    readonly store: OperationsStore;
  } {
    const { dataDir } = config.storage;
    const wallMs = (): number => clock.wallMs();
    const location = toStoreLocation(config);
    const replicated: { store: ReplicatedOperationsStore | null } = { store: null };
    const replication =
      redis === null || !config.cluster.share.includes("changes")
        ? null
        : new ChangeReplication({
            link: redis,
            cluster: config.cluster.name,
            id: cluster.id,
            operations: () => this.operations,
            store: () => replicated.store,
            log,
            wallMs,
            nowMs: () => clock.nowMs(),
          });
    if (location.kind === "postgres") {
      return { store: openSharedStore(dataDir, location, () => replication?.tellOfDatabase()), replication };
    }
    if (replication === null) return { store: openOwnStore(dataDir, wallMs), replication };
    const store = openReplicatedStore(dataDir, wallMs, {
      id: cluster.id,
      instance: instanceNameOf(config),
      refresh: () => replication.refresh(),
      onUntold: () => replication.tell(),
    });
    replicated.store = store;
    return { store, replication };
  }
}
