import { describe, expect, test } from "bun:test";
import type { ScoreModel } from "../../../src/learning/models/score-model.ts";
import { Batcher, MAX_ROWS_PER_RUN } from "../../../src/model-server/batcher.ts";
import { turn } from "../../support/turn.ts";

/** A model of one feature whose score is the feature; a run waits until it is let go, and fails for NaN. */
class SlowModel implements ScoreModel {
  readonly featureNames = ["x"];
  readonly outputKind = "score";
  readonly runs: number[] = [];
  released = false;
  #gates: (() => void)[] = [];

  async predict(rows: Float64Array, count: number): Promise<Float32Array> {
    this.runs.push(count);
    await new Promise<void>((resolve) => this.#gates.push(resolve));
    if (rows.some(Number.isNaN)) throw new Error("cannot score");
    return Float32Array.from(rows);
  }

  async release(): Promise<void> {
    this.released = true;
  }

  /** Lets runs go until there are no more. */
  async finish(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      const gates = this.#gates.splice(0);
      for (const open of gates) open();
      if (gates.length > 0) idle = 0;
      await turn();
    }
  }
}

function batcherOf() {
  const model = new SlowModel();
  const runs: number[] = [];
  return {
    model,
    runs,
    batcher: new Batcher(
      model,
      (rows) => runs.push(rows),
      () => 0,
    ),
  };
}

const rowsOf = (...values: number[]) => Float64Array.from(values);

describe("a batcher", () => {
  test("asks at once when nothing runs, and puts what comes meanwhile into one run", async () => {
    const { model, runs, batcher } = batcherOf();
    const answers = [batcher.predict(rowsOf(1), 1), batcher.predict(rowsOf(2, 3), 2), batcher.predict(rowsOf(4), 1)];
    expect(model.runs).toEqual([1]);
    await model.finish();
    expect((await Promise.all(answers)).map((scores) => [...scores])).toEqual([[1], [2, 3], [4]]);
    expect(model.runs).toEqual([1, 3]);
    expect(runs).toEqual([1, 3]);
  });

  test("runs have bounded size, and a request is never split", async () => {
    const { model, batcher } = batcherOf();
    const large = new Float64Array(MAX_ROWS_PER_RUN - 10);
    const answers = [
      batcher.predict(rowsOf(1), 1),
      batcher.predict(large, large.length),
      batcher.predict(new Float64Array(10), 10),
      batcher.predict(rowsOf(5), 1),
    ];
    await model.finish();
    expect((await Promise.all(answers)).map((scores) => scores.length)).toEqual([1, large.length, 10, 1]);
    expect(model.runs).toEqual([1, MAX_ROWS_PER_RUN, 1]);
  });

  test("one that cannot be scored does not take the others of its batch with it", async () => {
    const { model, batcher } = batcherOf();
    const first = batcher.predict(rowsOf(1), 1);
    const bad = batcher.predict(rowsOf(Number.NaN), 1).then(
      () => "answered",
      (error: Error) => error.message,
    );
    const good = batcher.predict(rowsOf(2), 1);
    await model.finish();
    expect([...(await first), ...(await good)]).toEqual([1, 2]);
    expect(await bad).toBe("cannot score");
    expect(model.runs).toEqual([1, 2, 1, 1]);
  });

  test("close answers what waits and then releases the model", async () => {
    const { model, batcher } = batcherOf();
    const answers = [batcher.predict(rowsOf(1), 1), batcher.predict(rowsOf(2), 1)];
    const closed = batcher.close();
    expect(model.released).toBe(false);
    await model.finish();
    await closed;
    expect((await Promise.all(answers)).map(([score]) => score)).toEqual([1, 2]);
    expect(model.released).toBe(true);
  });
});
