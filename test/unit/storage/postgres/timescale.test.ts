import { describe, expect, test } from "bun:test";
import { timescaleProblem } from "../../../../src/storage/postgres/timescale.ts";

describe("TimescaleDB is used", () => {
  const state = (installed: string | null, license: string | null = "timescale") => ({
    installed,
    available: installed,
    license,
  });

  test.each(["2.10.0", "2.23.0-dev", "3.0.1"])("from 2.10 on: %s", (version) => {
    expect(timescaleProblem(state(version))).toBeNull();
  });

  test("and is not where it lacks what is needed; it is said why", () => {
    expect(timescaleProblem(state(null))).toBe("it is not installed in this database");
    expect(timescaleProblem(state("2.9.3"))).toBe("it is 2.9.3, and 2.10 is needed");
    expect(timescaleProblem(state("1.7.5"))).toBe("it is 1.7.5, and 2.10 is needed");
    expect(timescaleProblem(state("2.23.0", "apache"))).toContain("its Apache edition has no compression");
  });
});
