import { describe, expect, test } from "bun:test";
import { parametersOf, QuestionError, readQuestion, SUBJECTS } from "../../../src/history/questions.ts";

const NOW = Date.UTC(2026, 10, 29, 14);
const HOUR = 3_600_000;

function problems(...asked: Parameters<typeof readQuestion> extends [infer S, infer P, unknown] ? [S, P] : never) {
  try {
    readQuestion(asked[0], asked[1], NOW);
  } catch (error) {
    expect(error).toBeInstanceOf(QuestionError);
    return (error as Error).message;
  }
  throw new Error("nothing was wrong with it");
}

describe("questions", () => {
  test("without parameters", () => {
    expect(readQuestion("traffic", {}, NOW)).toEqual({
      subject: "traffic",
      sinceMs: NOW - HOUR,
      untilMs: NOW,
      by: null,
      groups: ["server"],
    });
    for (const subject of SUBJECTS) expect(readQuestion(subject, {}, NOW)).toMatchObject({ subject, untilMs: NOW });
  });

  test("with all of them", () => {
    const traffic = { since: "2h", until: "1h", pool: "shop", server: "a:80", route: "r", instance: "i" };
    expect(readQuestion("traffic", { ...traffic, by: "minute", group: "route, status,route" }, NOW)).toEqual({
      subject: "traffic",
      sinceMs: NOW - 2 * HOUR,
      untilMs: NOW - HOUR,
      pool: "shop",
      server: "a:80",
      route: "r",
      instance: "i",
      by: "minute",
      groups: ["route", "status"],
    });
    expect(readQuestion("events", { kind: "ejection,reload", limit: "5" }, NOW)).toMatchObject({
      kinds: ["ejection", "reload"],
      limit: 5,
    });
    const requests = { reason: "failed", id: "x", status: "5xx", order: "slowest", limit: "9" };
    expect(readQuestion("requests", requests, NOW)).toMatchObject({
      reasons: ["failed"],
      id: "x",
      status: 5,
      order: "slowest",
      limit: 9,
    });
    expect(readQuestion("requests", { status: "404" }, NOW)).toMatchObject({ status: 404 });
  });

  test("by time nothing is grouped unless it is asked for, and without it nothing need be", () => {
    expect(readQuestion("traffic", { by: "hour" }, NOW)).toMatchObject({ groups: [] });
    expect(readQuestion("traffic", { group: "none" }, NOW)).toMatchObject({ by: null, groups: [] });
  });

  test("all problems are told at once", () => {
    const told = problems("traffic", { since: "soon", by: "week", group: "colour", frm: "1" });
    expect(told).toContain("frm is not known here: since, until, pool");
    expect(told).toContain('since: "soon" is no time; give a length of time before now (90s');
    expect(told).toContain('by must be one of minute, hour, day, not "week"');
    expect(told).toContain("group must be some of pool, server, address, route, status, with commas between");
  });

  test.each([
    ["traffic", { since: "1h", until: "2h" }, "since (2026-11-29T13:00:00Z) must be before until"],
    ["traffic", { pool: "" }, "pool must have 1 to 512 characters"],
    ["events", { limit: "0" }, "limit must be a whole number from 1 to 10000"],
    ["events", { by: "hour" }, "by is not known here"],
    ["events", { kind: "party" }, "kind must be some of start, stop"],
    ["requests", { status: "600" }, "status must be a status such as 503"],
    ["requests", { limit: "1001" }, "from 1 to 1000"],
    ["servers", { __proto__: null, constructor: "x" }, "constructor is not known here"],
  ] as const)("%s %p", (subject, parameters, message) => {
    expect(problems(subject, parameters as Record<string, string>)).toContain(message);
  });

  test("what a question takes is told", () => {
    expect(parametersOf("events")).toEqual(["since", "until", "pool", "server", "route", "instance", "kind", "limit"]);
  });
});
