/** The store that the contract is tried on: made anew for each test, over a backend of one kind, with time and faults of its own. */
import { afterEach, beforeEach, expect } from "bun:test";
import type {
  HistoryBackend,
  HistoryOptions,
  HistoryVisitor,
  LearningBackend,
  LearningOptions,
  LearningVisitOptions,
  LearningVisitor,
} from "../../../../src/storage/backend.ts";
import { BufferedLearning } from "../../../../src/storage/buffered/learning.ts";
import type { ServerRow } from "../../../../src/storage/history-store.ts";
import {
  DEFAULT_LIMITS,
  type LearningStore,
  type StoreLimits,
  type TrainingStore,
} from "../../../../src/storage/learning-store.ts";
import { VisitedStore } from "../../../../src/storage/visited-store.ts";
import { ManualTime } from "../../../support/manual-time.ts";
import { Faults } from "../../../support/stores/faulty-backend.ts";
import { eventually } from "../../../support/until.ts";
import { FEATURES, Said } from "../store-fixture.ts";

/** Where the stores of one test are. */
export interface Place {
  /** The owner's backend, not open yet, on the data that the one before it left. */
  own(options: LearningOptions): LearningBackend;
  visit(access: "read" | "write", options: LearningVisitOptions): LearningVisitor;
  readonly history: {
    own(options: HistoryOptions): HistoryBackend;
    visit(): HistoryVisitor;
    /** Sets what is given for the servers of that host, as an operator does by SQL. */
    override(host: string, set: Partial<Pick<ServerRow, "weight" | "capacity">>): void | Promise<void>;
  };
  remove(): void | Promise<void>;
}

/** A kind of backend. */
export interface PlaceKind {
  readonly name: string;
  /** False when data ends with the backend, and nobody else sees it. */
  readonly durable: boolean;
  /** True where an answer can get lost although what was asked was done. */
  readonly remote: boolean;
  /** True where old rows go a partition at a time, and stay for longer than they have to. */
  readonly partitioned?: boolean;
  make(): Place | Promise<Place>;
}

/** When each test begins. */
export const BEGAN_MS = 1_700_000_000_000;
export const HOUR_MS = 3_600_000;

/** How a store is opened. */
export interface Opening {
  readonly limits?: Partial<StoreLimits>;
  readonly features?: readonly string[];
}

export class UnderTest {
  readonly durable: boolean;
  readonly remote: boolean;
  /** Of the test that runs. */
  store!: LearningStore;
  time!: ManualTime;
  faults!: Faults;
  said!: Said;
  #place!: Place;
  readonly #opened: (() => Promise<void>)[] = [];

  /** Registers what is done around each test. */
  constructor({ durable, remote, make }: PlaceKind) {
    this.durable = durable;
    this.remote = remote;
    beforeEach(async () => {
      this.#place = await make();
      this.faults = new Faults();
      this.time = new ManualTime(BEGAN_MS, () => this.faults.settled());
      this.said = new Said();
      this.store = await this.open();
    });
    afterEach(async () => {
      this.faults.before = null;
      const closed = Promise.all(this.#opened.splice(0).map((close) => close()));
      await this.time.pass(HOUR_MS);
      await closed;
      await this.#place.remove();
      expect(this.faults.mostAtOnce).toBeLessThanOrEqual(1);
      expect(this.time.waiting).toBe(0);
    });
  }

  /** A store of the owner's, on what the one before left. */
  async open({ limits, features = FEATURES }: Opening = {}): Promise<LearningStore> {
    const { nowMs, later } = this.time;
    const options = { features, limits: { ...DEFAULT_LIMITS, ...limits }, nowMs, movedAside: () => {} };
    const backend = this.faults.around(this.#place.own(options));
    await backend.open();
    const store = new BufferedLearning({ backend, name: "the place", features, events: this.said, nowMs, later });
    this.#opened.push(() => store.close());
    return store;
  }

  /** Closes the store and opens it again, with other options. */
  async reopen(opening: Opening = {}): Promise<LearningStore> {
    await this.store.close();
    // A server takes a moment to see that the one before is gone.
    await eventually(async () => {
      this.store = await this.open(opening);
    });
    return this.store;
  }

  /** The same place, as others have it. */
  visit(access: "read" | "write", features: readonly string[] = FEATURES): TrainingStore {
    const visitor = new VisitedStore(this.#place.visit(access, { features, limits: DEFAULT_LIMITS }));
    this.#opened.push(() => visitor.close());
    return visitor;
  }
}
