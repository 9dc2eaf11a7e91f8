import { describe, expect, test } from "bun:test";
import { Failures, refusedRequest } from "../../../../src/proxy/failure.ts";
import { ParseError } from "../../../../src/proxy/http1/parse-error.ts";
import { HistoryWriter } from "../../../../src/proxy/record/history-writer.ts";
import { UNTRACED } from "../../../../src/proxy/record/traced-request.ts";
import { failureCode, failureIndex } from "../../../../src/shared/failure-codes.ts";
import {
  DETAIL_ROWS,
  DetailReason,
  DetailWord,
  REQUEST_ROWS,
  RecorderWish,
  RequestWord,
} from "../../../../src/shared/memory/layout/history.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { RingCursor, type Row } from "../../../../src/shared/memory/ring.ts";
import { Method, Route } from "../../../../src/shared/memory/series-table.ts";
import { seeded } from "../../../support/networks.ts";

function setUp(wishes: Partial<Record<keyof typeof RecorderWish, number>> = {}) {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  for (const [name, value] of Object.entries(wishes)) {
    memory.recorder.wishes[RecorderWish[name as keyof typeof RecorderWish]] = value;
  }
  const [rings] = memory.history;
  const writer = new HistoryWriter(rings, memory.recorder.wishes, 1000, seeded(5));
  const rows = (of: "requests" | "details"): Row[] => {
    const [ring, length, words] =
      of === "requests"
        ? [rings.requests, REQUEST_ROWS, RequestWord.LENGTH]
        : [rings.details, DETAIL_ROWS, DetailWord.LENGTH];
    const found: Row[] = [];
    new RingCursor(ring, length, words).drain(({ words, floats, figures }) => {
      found.push({ words: words.slice(), floats: floats.slice(), figures: figures.slice() });
    });
    return found;
  };
  return { writer, rows };
}

const HEAD = Buffer.from(`GET /${"a".repeat(200)}?secret HTTP/1.1\r\n`);
const REQUEST = {
  ...{ route: 20, poolRow: 3, method: Method.GET, headBuffer: HEAD, methodStart: 0, methodEnd: 3, targetStart: 4 },
  ...{ targetEnd: 212, requestIdBuffer: Buffer.from("x".repeat(100)), requestIdStart: 0, requestIdEnd: 100 },
  ...{ ...UNTRACED, clientAddress: Buffer.from("2001:db8::1"), limitedBy: null, labels: null },
};
const OUTCOME = {
  ...{ status: 200, serverId: 9, responseBytes: 5e10, attempts: 2, failure: null, waitMs: 1.5, headMs: 7 },
  inFlightAtDispatch: 4,
};

describe("a worker's records of requests", () => {
  test("say what became of each, without details while nobody wants them", () => {
    const { writer, rows } = setUp();
    writer.record(REQUEST, OUTCOME, 12, 50);
    const [{ words, floats, figures }] = rows("requests");
    expect(figures[RequestWord.TIME >> 1]).toBe(1050);
    expect(figures[RequestWord.RESPONSE_BYTES >> 1]).toBe(5e10);
    expect([floats[RequestWord.DURATION], floats[RequestWord.WAIT]]).toEqual([12, 1.5]);
    expect([words[RequestWord.SERVER], words[RequestWord.ROUTE]]).toEqual([9, 20 + 200 * 65_536]);
    expect(words[RequestWord.POOL]).toBe(3 + 2 * 256);
    expect(rows("details")).toEqual([]);
  });

  test("say which failed, by whose fault", () => {
    const { writer, rows } = setUp();
    for (const failure of [Failures.CLIENT_ABORTED, Failures.BAD_RESPONSE, Failures.NO_SERVER]) {
      writer.record(REQUEST, { ...OUTCOME, failure }, 12, 50);
    }
    expect(rows("requests").map(({ words }) => (words[RequestWord.POOL] >> 16) & 1)).toEqual([0, 1, 1]);
  });

  test("name no server where only the one that says who may pass was asked", () => {
    const { writer, rows } = setUp();
    writer.record(REQUEST, { ...OUTCOME, attempts: 0, status: 401 }, 12, 50);
    expect(rows("requests")[0].words[RequestWord.SERVER]).toBe(0);
  });

  test("of refused ones have a detail too", () => {
    const { writer, rows } = setUp({ FAILED_SHARE: 1, SAMPLE_SHARE: 1 });
    writer.refused(REQUEST, Route.INVALID, refusedRequest(400, "bare_cr", ""), 10, 50);
    expect(rows("details")[0].words[DetailWord.METHOD] >> 8).toBe(failureIndex("bare_cr"));
  });
});

describe("a worker's details", () => {
  test("hold texts as far as there is room, and of a path what stands before the query", () => {
    const { writer, rows } = setUp({ SAMPLE_SHARE: 1 });
    writer.record(REQUEST, OUTCOME, 12, 50);
    writer.record({ ...REQUEST, targetStart: 190 }, OUTCOME, 12, 50);
    const texts = rows("details").map(({ words }) => {
      const lengths = words[DetailWord.LENGTHS];
      const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
      const at = DetailWord.TEXTS * 4;
      const path = bytes.toString("latin1", at + 64, at + 64 + ((lengths >> 8) & 255));
      return [lengths & 255, path, bytes.toString("latin1", at + 192, at + 192 + (lengths >> 16))];
    });
    expect(texts).toEqual([
      [64, `/${"a".repeat(127)}`, "2001:db8::1"],
      [64, "a".repeat(15), "2001:db8::1"],
    ]);
  });

  test("are of a part of each kind, as large as was wanted", () => {
    const { writer, rows } = setUp({ SAMPLE_SHARE: 0.1, SLOW_SHARE: 1, SLOW_MS: 100, BURST: 1e6 });
    for (let i = 0; i < 5_000; i++) writer.record(REQUEST, OUTCOME, i % 100 === 0 ? 101 : 5, i / 10);
    const reasons = rows("details").map(({ words }) => words[DetailWord.POOL] >>> 17);
    expect(reasons.filter((reason) => reason === DetailReason.SLOW)).toHaveLength(50);
    const usual = reasons.filter((reason) => reason === DetailReason.SAMPLE).length;
    expect(usual).toBeGreaterThan(400);
    expect(usual).toBeLessThan(600);
  });

  test("of a burst are thinned out, and say with which probability they were written", () => {
    const { writer, rows } = setUp({ FAILED_SHARE: 1, BURST: 64 });
    const failed = { ...OUTCOME, status: 502, failure: Failures.BAD_RESPONSE };
    for (let i = 0; i < 50_000; i++) writer.record(REQUEST, failed, 5, i / 60);
    const found = rows("details");
    expect(found.length).toBeLessThan(1_000);
    expect(found.slice(0, 64).every(({ floats }) => floats[DetailWord.PROBABILITY] === 1)).toBe(true);
    const weights = found.reduce((sum, { floats }) => sum + 1 / floats[DetailWord.PROBABILITY], 0);
    expect(Math.abs(weights - 50_000) / 50_000).toBeLessThan(0.25);
    // The next second begins with what is wanted.
    writer.record(REQUEST, failed, 5, 1_500);
    expect(rows("details").at(-1)?.floats[DetailWord.PROBABILITY]).toBe(1);
  });
});

test("the codes of all failures are known by number", () => {
  const codes = [...Object.values(Failures).map(({ code }) => code), ...Object.keys(ParseError).map(lowerCase)];
  expect(codes.filter((code) => failureCode(failureIndex(code)) !== code)).toEqual([]);
  expect(failureCode(failureIndex("never heard of"))).toBe("other");
  expect(failureCode(0)).toBe("");
  expect(failureCode(9_999)).toBe("other");
});

function lowerCase(name: string): string {
  return name.toLowerCase();
}
