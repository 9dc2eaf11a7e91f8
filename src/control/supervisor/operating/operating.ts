/** What operators change at run time, in a running instance: where it is kept, and what it changes. */
import type { Config } from "../../../config/config.ts";
import type { LoadedConfig } from "../../../config/load.ts";
import { toStoreLocation } from "../../../config/sections/storage.ts";
import { type OperationsPlace, openOperationsStore } from "../../../storage/operations/open.ts";
import type { KeptOverrides, OperationsStore } from "../../../storage/operations/store.ts";
import type { Events } from "../../events/events.ts";
import { OperatedServers } from "../../fleet/operated.ts";
import type { ControlLog } from "../../log.ts";
import { type Layering, Operations } from "../../operations/operations.ts";
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
  readonly wallMs: () => number;
}

/** One instance's. */
export class Operating implements InstancePart {
  readonly operations: Operations;
  readonly #ground: InstanceGround;
  readonly #store: OperationsStore;
  #opening: Layering | null = null;

  constructor(options: OperatingOptions) {
    this.#ground = new InstanceGround(options);
    this.#store = openOperationsStore(storePlaceOf(options.config), options.wallMs);
    this.operations = new Operations({ ...options, store: this.#store, ground: this.#ground });
  }

  /** Reads what is kept, as far as that takes no time. @returns the configuration with it, and whom it leaves out. */
  async open(loaded: LoadedConfig): Promise<LoadedConfig> {
    const late = Promise.withResolvers<KeptOverrides>();
    const timer = setTimeout(() => {
      late.resolve({ revision: 0, overrides: [], trouble: `nothing came from ${this.#store.where} in ${OPEN_MS} ms` });
    }, OPEN_MS);
    const read = this.#store.read().catch((error: Error): KeptOverrides => {
      return { revision: 0, overrides: [], trouble: error.message };
    });
    const kept = await Promise.race([read, late.promise]);
    clearTimeout(timer);
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
  }

  tick(nowMs: number): void {
    this.operations.tick(nowMs);
  }

  stop(): Promise<void> {
    return this.#store.close();
  }
}

/** A database, where there is one; a copy of what it has lies beside the instance in any case. */
function storePlaceOf(config: Config): OperationsPlace {
  const location = toStoreLocation(config);
  return { directory: config.storage.dataDir, database: location.kind === "postgres" ? location : null };
}
