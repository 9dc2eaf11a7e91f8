/** Numbers with units, and settings that take them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseDuration, parseSize, sayDuration, saySize } from "../../../../src/config/values/units.ts";
import { milliseconds, seconds, size } from "../../../../src/config/values/value-types.ts";
import { configOf, problemsOf } from "../../../support/configuration.ts";

describe("durations", () => {
  test.each([
    ["250ms", 250],
    ["5s", 5000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["1d", 86_400_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["0s", 0],
    ["0.07s", 70],
    ["1m500ms", 60_500],
    ["2m", 120_000],
    ["2ms", 2],
  ])("%s", (text, ms) => {
    expect(parseDuration(text)?.amount).toBe(ms);
  });

  test.each([
    "",
    "5",
    "s",
    "5 s",
    "5S",
    "-5s",
    "5sec",
    "30s1m",
    "1s1s",
    "1m1m",
    "1.5h30m",
    ".5s",
    "5.s",
    "1e3s",
    "5s ",
  ])("%p is none", (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test("what is said of a number of milliseconds is read as that number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), (ms) => {
        expect(parseDuration(sayDuration(ms))?.amount).toBe(ms);
      }),
    );
    expect(sayDuration(75_000)).toBe("75s");
    expect(sayDuration(0)).toBe("0");
  });
});

describe("sizes", () => {
  test.each([
    ["1B", 1],
    ["10MB", 10_000_000],
    ["10MiB", 10_485_760],
    ["64KiB", 65_536],
    ["64kb", 64_000],
    ["1.5GiB", 1_610_612_736],
  ])("%s", (text, bytes) => {
    expect(parseSize(text)?.amount).toBe(bytes);
  });

  test.each(["", "5", "MB", "10 MB", "10m", "10k", "10Mbit", "-1MB", "1e3MB"])("%p is none", (text) => {
    expect(parseSize(text)).toBeNull();
  });

  test("what is said of a number of bytes is read as that number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => {
        expect(parseSize(saySize(bytes))?.amount).toBe(bytes);
      }),
    );
    expect(saySize(32_768)).toBe("32KiB");
  });
});

describe("settings", () => {
  const complaint = (type: ReturnType<typeof seconds>, text: string) => {
    const parsed = type.schema.safeParse(text);
    return parsed.success ? parsed.data : parsed.error.issues[0].message;
  };

  test("take units whatever unit their name says, and a bare number means what it always did", () => {
    const config = configOf({
      CONNECT_TIMEOUT_MS: "1.5s",
      REQUEST_HEAD_TIMEOUT_MS: "5000",
      HEALTH_CHECK_INTERVAL_SECONDS: "250ms",
      SLOW_START_SECONDS: "1m30s",
      MAX_BODY_BYTES: "10MB",
      MAX_HEADER_BYTES: "64KiB",
      LEARNING_MAX_MEGABYTES: "1GiB",
    });
    expect(config.timeouts).toMatchObject({ connectMs: 1500, requestHeadMs: 5000 });
    expect(config.health.intervalMs).toBe(250);
    expect(config.balancing.slowStartMs).toBe(90_000);
    expect(config.limits).toMatchObject({ maxBodyBytes: 10_000_000, maxHeaderBytes: 65_536 });
    expect(config.storage.maxFileSizeBytes).toBe(2 ** 30);
    expect(configOf({ LEARNING_MAX_MEGABYTES: "300" }).storage.maxFileSizeBytes).toBe(300 * 2 ** 20);
  });

  test("speak of their bounds in the unit that was written", () => {
    expect(complaint(seconds(1, 3600), "2h")).toBe("must be from 1s to 1h");
    expect(complaint(seconds(60, 3600), "90m")).toBe("must be from 1m to 60m");
    expect(complaint(milliseconds(1, 86_400_000), "25h")).toBe("must be from 1ms to 24h");
    expect(complaint(size(1024, 1_048_576), "2MiB")).toBe("must be from 1KiB to 1MiB");
    expect(complaint(milliseconds(1, 1000), "5000")).toBe(
      "must be milliseconds: a whole number from 1 to 1000, or with units: 250ms, 5s, 1m30s, 2h, 1d",
    );
  });

  test("refuse what is no whole number of milliseconds or bytes", () => {
    expect(complaint(seconds(0, 60), "0.5ms")).toBe("must be a whole number of milliseconds");
    expect(complaint(size(0, 1024), "1.5B")).toBe("must be a whole number of bytes");
  });

  test("say where a unit is missing its number, in the words of every wrong value", () => {
    expect(problemsOf({ CONNECT_TIMEOUT_MS: "fast" })).toEqual([
      expect.stringMatching(/^CONNECT_TIMEOUT_MS="fast" \(environment\): must be milliseconds: .* with units: 250ms/),
    ]);
  });
});
