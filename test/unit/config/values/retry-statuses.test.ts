import { describe, expect, test } from "bun:test";
import { configOf, problemsOf } from "../../../support/configuration.ts";

const statuses = (value?: string) => configOf(value === undefined ? {} : { RETRY_ON_STATUS: value }).retry.onStatus;

describe("RETRY_ON_STATUS", () => {
  test("is off unless it is set", () => {
    expect(statuses()).toEqual([]);
    expect(statuses("OFF")).toEqual([]);
  });

  test("takes statuses and groups, in any order and more than once", () => {
    expect(statuses("503")).toEqual([503]);
    expect(statuses("Gateway")).toEqual([502, 503, 504]);
    expect(statuses(" 599, gateway,500 ,503")).toEqual([500, 502, 503, 504, 599]);
    const all = statuses("gateway,5XX");
    expect([all.length, all[0], all[99]]).toEqual([100, 500, 599]);
  });

  test.each([
    ["404", 'entry 1 "404" is neither a status from 500 to 599 nor gateway (502, 503, 504) nor 5xx'],
    ["503,600", 'entry 2 "600" is neither a status from 500 to 599'],
    ["5000", 'entry 1 "5000" is neither'],
    ["server_error", 'entry 1 "server_error" is neither'],
    ["503,", "entry 2 is empty: remove the extra comma"],
    ["503,off", 'entry 2 "off" stands alone or not at all'],
    ["constructor", 'entry 1 "constructor" is neither'],
  ])("refuses %s", (value, complaint) => {
    const problems = problemsOf({ RETRY_ON_STATUS: value });
    expect(problems.length).toBe(1);
    expect(problems[0]).toStartWith("RETRY_ON_STATUS");
    expect(problems[0]).toContain(complaint);
  });
});
