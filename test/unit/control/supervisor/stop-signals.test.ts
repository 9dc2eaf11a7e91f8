import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { StopSignals } from "../../../../src/control/supervisor/stop-signals.ts";

/** A process with a clock that is moved by hand. */
function make() {
  const process = new EventEmitter();
  const clock = { nowMs: 50 };
  const signals = new StopSignals(process, () => clock.nowMs);
  /** What has come of it by now. */
  const outcome = async () => {
    const [first, second] = await Promise.all([
      Promise.race([signals.first, Promise.resolve(null)]),
      Promise.race([signals.second, Promise.resolve(null)]),
    ]);
    return { first, second };
  };
  return { process, clock, signals, outcome };
}

describe("signals to stop", () => {
  test("the first asks, and says who it was", async () => {
    const { process, outcome } = make();
    expect(await outcome()).toEqual({ first: null, second: null });
    process.emit("SIGTERM");
    expect(await outcome()).toEqual({ first: "SIGTERM", second: null });
  });

  test("the same within a second is an echo, however often; after that it insists", async () => {
    const { process, clock, outcome } = make();
    for (const atMs of [50, 60, 700, 1049]) {
      clock.nowMs = atMs;
      process.emit("SIGINT");
    }
    expect(await outcome()).toEqual({ first: "SIGINT", second: null });
    clock.nowMs = 1050;
    process.emit("SIGINT");
    expect(await outcome()).toEqual({ first: "SIGINT", second: 130 });
  });

  test("another signal insists at once", async () => {
    const { process, outcome } = make();
    process.emit("SIGINT");
    process.emit("SIGTERM");
    expect(await outcome()).toEqual({ first: "SIGINT", second: 143 });
  });

  test("who was asked otherwise to stop is insisted on by the first signal", async () => {
    const { process, signals, outcome } = make();
    signals.ask("an instance that takes over");
    process.emit("SIGTERM");
    expect(await outcome()).toEqual({ first: "an instance that takes over", second: 143 });
  });
});
