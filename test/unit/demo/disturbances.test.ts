import { describe, expect, test } from "bun:test";
import { Disturbances } from "../../../src/demo/disturbances.ts";

describe("Disturbances", () => {
  test("explain failures shortly before, during and after", () => {
    const ledger = new Disturbances();
    ledger.failure(30_000);
    ledger.failure(45_000);
    ledger.failure(51_500);
    expect(ledger.unexplained()).toBe(3);
    ledger.begin("fast", 35_000);
    ledger.begin("fast", 40_000);
    expect(ledger.unexplained()).toBe(0);
    ledger.end("fast", 49_000);
    ledger.failure(53_000);
    ledger.failure(24_000);
    expect(ledger.unexplained()).toBe(2);
  });

  test("know each server's end from another's", () => {
    const ledger = new Disturbances();
    ledger.begin("fast", 20_000);
    ledger.end("slow", 21_000);
    ledger.failure(60_000);
    expect(ledger.unexplained()).toBe(0);
  });
});
