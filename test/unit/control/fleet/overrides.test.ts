/** Numbers that are set at run time: the last one counts, until the configuration says another. */
import { describe, expect, test } from "bun:test";
import type { NotedEvent } from "../../../../src/control/events/events.ts";
import { isOfConfigured, OverridableNumber, StoreOverrides } from "../../../../src/control/fleet/overrides.ts";
import type { ServerRow } from "../../../../src/storage/history-store.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

describe("a number", () => {
  test("is the configured one until somebody sets it; the last one counts", () => {
    const number = new OverridableNumber();
    expect([number.value, number.origin]).toEqual([undefined, "configuration"]);
    expect(number.tell(null)).toBe(false);
    expect(number.tell(5)).toBe(true);
    expect([number.value, number.origin]).toEqual([5, "store"]);
    number.set(7);
    expect(number.tell(5)).toBe(false);
    expect([number.value, number.origin]).toEqual([7, "admin API"]);
    expect(number.tell(6)).toBe(true);
    expect([number.value, number.origin]).toEqual([6, "store"]);
    expect(number.tell(null)).toBe(true);
    expect([number.value, number.origin]).toEqual([undefined, "configuration"]);
  });

  test("that an operator set stays when the store's goes", () => {
    const number = new OverridableNumber();
    number.tell(5);
    number.set(7);
    expect(number.tell(null)).toBe(false);
    expect(number.value).toBe(7);
  });

  test("is undone by the configuration; what the store says after that counts, also if it is the same", () => {
    const number = new OverridableNumber();
    number.tell(5);
    expect(number.reset()).toBeUndefined(); // whoever undoes it in the store says so
    expect(number.value).toBeUndefined();
    expect(number.tell(5)).toBe(true);
    number.set(7);
    expect(number.reset()).toBe(7);
    expect(number.reset()).toBeUndefined();
  });
});

test("what stands beside an override is what is configured, but for the last digits of a database", () => {
  expect(isOfConfigured(1 / 3, 1 / 3 + 1e-9)).toBe(true);
  expect(isOfConfigured(1, 1.001)).toBe(false);
  expect(isOfConfigured(Number.NaN, 1)).toBe(false);
});

describe("the rows of the store", () => {
  const row = (values: Partial<ServerRow>): ServerRow => ({
    pool: "shop",
    host: "a",
    port: 1,
    weight: null,
    capacity: null,
    configuredWeight: 1,
    configuredCapacity: 10,
    firstSeenMs: 0,
    lastSeenMs: 0,
    removedAtMs: null,
    ...values,
  });

  function make() {
    const { log, lines } = recordingLogger();
    const noted: NotedEvent[] = [];
    return { overrides: new StoreOverrides(log, { note: (event) => noted.push(event) }), lines, noted };
  }

  test("count by pool, host and port; those of removed servers do not", () => {
    const { overrides } = make();
    overrides.take([row({ weight: 2 }), row({ port: 2, capacity: 3 }), row({ host: "b", weight: 4, removedAtMs: 9 })]);
    expect(overrides.of("shop", "a", 1)).toMatchObject({ weight: 2, capacity: null, configuredWeight: 1 });
    expect(overrides.of("shop", "a", 2)).toMatchObject({ weight: null, capacity: 3 });
    expect(overrides.of("blog", "a", 1)).toBeNull();
    expect(overrides.of("shop", "b", 1)).toBeNull();
    overrides.take([row({})]);
    expect(overrides.of("shop", "a", 1)).toBeNull();
  });

  test.each([
    ["weight", 0],
    ["weight", Number.NaN],
    ["weight", Number.POSITIVE_INFINITY],
    ["weight", 70_000],
    ["weight", "5"],
    ["capacity", 0],
    ["capacity", 1.5],
    ["capacity", 2_000_000],
  ] as const)("are refused where they cannot be: %s %p", (name, value) => {
    const { overrides, lines, noted } = make();
    const wrong = row({ host: "::1", [name]: value as number });
    overrides.take([wrong]);
    overrides.take([wrong]);
    expect(overrides.of("shop", "::1", 1)).toMatchObject({ weight: null, capacity: null });
    expect(lines.map(({ level }) => level)).toEqual(["warn"]);
    expect(lines[0].message).toStartWith(`server [::1]:1: the ${name} ${value} in the store's table "servers"`);
    expect(noted).toMatchObject([{ kind: "override", pool: "shop", server: "[::1]:1", actor: "store" }]);
    overrides.take([row({ host: "::1" })]);
    overrides.take([wrong]);
    expect(lines).toHaveLength(2);
  });
});
