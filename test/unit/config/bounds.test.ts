/** Every numeric setting of every command: both ends of its range, and the ways of writing that are no numbers here. */
import { describe, expect, test } from "bun:test";
import { ALL_SETTINGS, OTHER_SECTIONS, placeSettings } from "../../../src/config/schema.ts";

const SETTINGS = [...ALL_SETTINGS, ...placeSettings(OTHER_SECTIONS)].map(({ setting }) => setting);
const RANGE = /^(integer|number|port|seconds|milliseconds|minutes|hours|days|bytes|megabytes) ([\d.]+) … ([\d.]+)$/;
const NUMERIC = SETTINGS.flatMap(({ env, type }) => {
  const match = RANGE.exec(type.describe);
  return match ? [{ env, type, kind: match[1], min: Number(match[2]), max: Number(match[3]) }] : [];
});
const DURATIONS = ["milliseconds", "seconds", "minutes", "hours", "days"];

test("the schema has numbers, and none that this test does not see", () => {
  expect(NUMERIC.length).toBeGreaterThan(40);
  const others = SETTINGS.filter(({ type }) => /\d … \d/.test(type.describe) && !RANGE.test(type.describe));
  // Words beside numbers.
  expect(others.map(({ env }) => env)).toEqual(["ADMIN_PORT", "RETRY_ON_STATUS", "RETRY_ON_GRPC_STATUS"]);
});

describe.each(NUMERIC.map((setting) => [setting.env, setting] as const))("%s", (_, { type, kind, min, max }) => {
  const per: Readonly<Record<string, number>> = {
    seconds: 1000,
    minutes: 60_000,
    hours: 3_600_000,
    days: 86_400_000,
    megabytes: 2 ** 20,
  };
  const value = (number: number) => Math.round(number * (per[kind] ?? 1) * 1000) / 1000;
  const read = (text: string): unknown => {
    const parsed = type.schema.safeParse(text);
    return parsed.success ? parsed.data : parsed.error.issues.map(({ message }) => message).join();
  };

  test("takes both ends of its range, and blanks around them", () => {
    expect(read(String(min))).toBe(value(min));
    expect(read(String(max))).toBe(value(max));
    expect(read(` ${max}\t`)).toBe(value(max));
    expect(Object.is(read("0"), -0)).toBe(false);
  });

  test("nothing beyond them; the complaint says what would be right", () => {
    const whole = kind !== "number" && kind !== "seconds";
    const above = whole ? String(BigInt(max) + 1n) : `${max}.5`;
    for (const text of [above, `${max}0`, "9".repeat(400), "-1", "-0"]) {
      expect(read(text)).toBeString();
      expect(read(text)).toContain(`from ${min} to ${max}`);
    }
    if (min > 0) expect(read(whole ? String(min - 1) : String(min / 2))).toContain(`from ${min} to ${max}`);
    if (whole) expect(read(`${min}.5`)).toContain("a whole number");
  });

  test("other ways of writing numbers are none", () => {
    for (const text of [
      "1e1",
      "0x10",
      "0b1",
      ...(DURATIONS.includes(kind) ? [] : ["5s", "5ms"]),
      ...(kind === "bytes" || kind === "megabytes" ? [] : ["5MB", "5KiB"]),
      "5 s",
      "5 MB",
      "5%",
      "+5",
      "1_000",
      "1,000",
      "1 000",
      ".5",
      "5.",
      "NaN",
      "Infinity",
      "٥",
      "５",
      "5\u00a05",
      "off",
      "true",
    ]) {
      expect({ text, read: read(text) }).toEqual({ text, read: expect.any(String) });
    }
  });
});

test("a duration too short to count is not taken for 0, which has a meaning of its own", () => {
  const zero = NUMERIC.filter(({ kind, min }) => kind === "seconds" && min === 0);
  expect(zero.length).toBeGreaterThan(0);
  for (const { type } of zero) {
    expect(type.schema.safeParse("0").data).toBe(0);
    expect(type.schema.safeParse("0.001").data).toBe(1);
    expect(type.schema.safeParse("0.0001").success).toBe(false);
  }
});
