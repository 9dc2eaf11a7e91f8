/** The history that the contract is tried on: made anew for each test, over a backend of one kind, with time and faults of its own. */
import { afterEach, beforeEach, expect } from "bun:test";
import { BufferedHistory } from "../../../../../src/storage/buffered/history.ts";
import type { HistoryLimits, HistoryReader, HistoryStore } from "../../../../../src/storage/history-store.ts";
import type { StoreError } from "../../../../../src/storage/store-error.ts";
import { VisitedHistory } from "../../../../../src/storage/visited-history.ts";
import { ManualTime } from "../../../../support/manual-time.ts";
import { WIDE_LIMITS } from "../../../../support/memory-history.ts";
import { Faults } from "../../../../support/stores/faulty-backend.ts";
import { eventually } from "../../../../support/until.ts";
import { Said } from "../../store-fixture.ts";
import { HOUR_MS, type Place, type PlaceKind } from "../under-test.ts";
import { BEGAN_MS } from "./rows.ts";

/** How a history is opened. */
export interface Opening {
  readonly limits?: Partial<HistoryLimits>;
  readonly instance?: string;
  /** Before its backend is. */
  readonly failure?: StoreError;
}

export class HistoryUnderTest {
  readonly durable: boolean;
  readonly remote: boolean;
  readonly partitioned: boolean;
  /** Of the test that runs. */
  store!: HistoryStore;
  time!: ManualTime;
  faults!: Faults;
  said!: Said;
  place!: Place;
  readonly #opened: (() => Promise<void>)[] = [];

  /** Registers what is done around each test. */
  constructor({ durable, remote, partitioned = false, make }: PlaceKind) {
    this.durable = durable;
    this.remote = remote;
    this.partitioned = partitioned;
    beforeEach(async () => {
      this.place = await make();
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
      await this.place.remove();
      expect(this.faults.mostAtOnce).toBeLessThanOrEqual(1);
      expect(this.time.waiting).toBe(0);
    });
  }

  /** A history of the owner's, on what the one before left. */
  async open({ limits, instance = "one", failure }: Opening = {}): Promise<HistoryStore> {
    const { nowMs, later } = this.time;
    const options = { instance, limits: { ...WIDE_LIMITS, ...limits }, nowMs, movedAside: () => {} };
    const backend = this.faults.around(this.place.history.own(options));
    if (failure === undefined) await backend.open();
    const store = new BufferedHistory({ backend, name: "the place", events: this.said, nowMs, later, failure });
    this.#opened.push(() => store.close());
    return store;
  }

  /** Closes the history and opens it again, with other options. */
  async reopen(opening: Opening = {}): Promise<HistoryStore> {
    await this.store.close();
    // A server takes a moment to see that the one before is gone.
    await eventually(async () => {
      this.store = await this.open(opening);
    });
    return this.store;
  }

  /** The same place, as others have it. */
  visit(): HistoryReader {
    const reader = new VisitedHistory(this.place.history.visit());
    this.#opened.push(() => reader.close());
    return reader;
  }
}
