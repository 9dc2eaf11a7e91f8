import { describe, expect, test } from "bun:test";
import { CircuitBreaker } from "../../../../../src/learning/models/remote/circuit-breaker.ts";

const RESET_MS = 30_000;

function breaker() {
  const clock = { ms: 1000 };
  const circuit = new CircuitBreaker({ failures: 3, resetMs: RESET_MS, nowMs: () => clock.ms });
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) circuit.ask()!.failed();
  };
  return { circuit, clock, fail };
}

describe("a circuit breaker", () => {
  test("stays closed while failures are not in a row", () => {
    const { circuit, fail } = breaker();
    for (let i = 0; i < 10; i++) {
      fail(2);
      circuit.ask()!.succeeded();
    }
    expect(circuit.state).toBe("closed");
    expect(circuit.timesOpened).toBe(0);
  });

  test("opens after failures in a row, and then lets nothing through until the time is over", () => {
    const { circuit, clock, fail } = breaker();
    fail(3);
    expect([circuit.state, circuit.timesOpened, circuit.msUntilTry]).toEqual(["open", 1, RESET_MS]);
    clock.ms += RESET_MS - 1;
    expect(circuit.ask()).toBeNull();
    expect(circuit.msUntilTry).toBe(1);
  });

  test("lets one try through when the time is over, and closes when it succeeds", () => {
    const { circuit, clock, fail } = breaker();
    fail(3);
    clock.ms += RESET_MS;
    const attempt = circuit.ask();
    expect(attempt).not.toBeNull();
    expect(circuit.state).toBe("half_open");
    expect(circuit.ask()).toBeNull();
    attempt!.succeeded();
    expect(circuit.state).toBe("closed");
    // It begins afresh: it takes as many failures as before to open it.
    fail(2);
    expect(circuit.state).toBe("closed");
    fail(1);
    expect([circuit.state, circuit.timesOpened]).toEqual(["open", 2]);
  });

  test("opens again, for the whole time, when the try fails", () => {
    const { circuit, clock, fail } = breaker();
    fail(3);
    clock.ms += RESET_MS + 5000;
    circuit.ask()!.failed();
    expect([circuit.state, circuit.timesOpened]).toEqual(["open", 2]);
    clock.ms += RESET_MS - 1;
    expect(circuit.ask()).toBeNull();
    clock.ms += 1;
    expect(circuit.ask()).not.toBeNull();
  });

  test("what was asked before a change has no say after it", () => {
    const { circuit, clock, fail } = breaker();
    const [late, later, latest] = [circuit.ask()!, circuit.ask()!, circuit.ask()!];
    fail(3);
    late.succeeded();
    expect(circuit.state).toBe("open");
    clock.ms += 10;
    later.failed();
    expect(circuit.msUntilTry).toBe(RESET_MS - 10);
    clock.ms += RESET_MS;
    const attempt = circuit.ask()!;
    latest.failed();
    expect(circuit.state).toBe("half_open");
    attempt.succeeded();
    expect([circuit.state, circuit.timesOpened]).toEqual(["closed", 1]);
  });
});
