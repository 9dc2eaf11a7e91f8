/** Files of logs: parts, compression, endings, lines that are no lines; what is refused, and why. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { linesOf, MAX_LINE } from "../../../../../src/replay/reading/logs/lines.ts";
import { readLog } from "../../../../../src/replay/reading/logs/read-log.ts";

const START = Date.UTC(2026, 10, 29, 20);
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-logs-"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function lines(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const some of linesOf(path)) found.push(...some);
  return found;
}

/** One line of JSON; it arrived `atMs` after the beginning and took 10 ms. */
function line(atMs: number, server: string, more: object = {}): string {
  return JSON.stringify({
    msec: ((START + atMs + 10) / 1000).toFixed(3),
    request_time: "0.010",
    request: "GET /a HTTP/1.1",
    status: "200",
    upstream_addr: server,
    upstream_response_time: "0.010",
    ...more,
  });
}

const read = (files: readonly string[], more: object = {}) =>
  readLog({
    format: "nginx",
    files,
    sinceMs: Number.NEGATIVE_INFINITY,
    untilMs: Number.POSITIVE_INFINITY,
    pool: null,
    strategy: "round_robin",
    random: seededRandom(1).next,
    ...more,
  });

describe("lines", () => {
  test("across pieces of the file, with and without an end; also compressed, whatever the name says", async () => {
    const all = Array.from({ length: 60_000 }, (_, i) => `${i} ${"ä".repeat(i % 40)}`);
    expect(await lines(file("whole", `${all.join("\n")}\n`))).toEqual([...all]);
    expect(await lines(file("open", all.join("\n")))).toEqual(all);
    expect(await lines(file("packed.log", gzipSync(all.join("\n"))))).toEqual(all);
    expect(await lines(file("empty", ""))).toEqual([]);
  });

  test("one that is too long is cut, and costs no memory", async () => {
    const path = file("long", `first\n${"x".repeat(5 << 20)}\nlast\n`);
    const found = await lines(path);
    expect(found.map(({ length }) => length)).toEqual([5, MAX_LINE, 4]);
    expect(found[2]).toBe("last");
  });

  test("a request that began long before all others ended does not make the recording begin with it", async () => {
    const usual = Array.from({ length: 100 }, (_, i) => line(i * 50, `10.0.0.${(i % 2) + 1}:80`));
    const long = line(2_000, "10.0.0.1:80", { request_time: "172800.000", upstream_response_time: "172800.000" });
    const { recording, notes } = await read([file("long.log", `${[...usual, long].join("\n")}\n`)]);
    expect(recording.durationMs).toBe(5_000);
    expect(recording.requests.atMs.length).toBe(100);
    expect(notes.join(" ")).toContain("1 of 101 requests began long before all others ended, and are left out.");
  });

  test("what cannot be read is named", async () => {
    await expect(lines(join(directory, "absent"))).rejects.toThrow("absent");
    const whole = gzipSync("some text\n".repeat(10_000));
    await expect(lines(file("cut.gz", whole.subarray(0, whole.length - 20)))).rejects.toThrow("cut.gz");
    await expect(lines(directory)).rejects.toThrow(directory);
  });
});

test("parts of a log in any order; requests stand in the order of arrival", async () => {
  const later = file("access.log", [30, 40, 20].map((at) => line(at, "b:1")).join("\r\n"));
  const earlier = file("access.log.1.gz", gzipSync([0, 10].map((at) => line(at, "a:1")).join("\n")));
  const { recording, notes } = await read([later, earlier]);
  expect([...recording.requests.atMs]).toEqual([0, 10, 20, 30, 40]);
  expect([...recording.requests.server]).toEqual([0, 0, 1, 1, 1]);
  expect(recording).toMatchObject({
    startMs: START,
    durationMs: 1000,
    source: "nginx log access.log, access.log.1.gz",
  });
  expect(notes).toEqual([]);
});

test("lines that cannot be read are counted, and the first is shown with its number", async () => {
  const path = file("odd.log", [line(0, "a:1"), "", "\u001b[2J nonsense", "more", line(5, "b:1")].join("\n"));
  const { recording, notes } = await read([path]);
  expect(recording.requests.atMs).toHaveLength(2);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain(`2 of 4 lines cannot be read; the first is ${path}, line 3:`);
  expect(notes[0]).not.toContain("\u001b");
});

test("too many requests: a sample that stands for all of them, with exact arrivals", async () => {
  const all = Array.from({ length: 5000 }, (_, i) =>
    line(i, `${"ab"[i % 2]}:1`, { request: `GET /${"xy"[i % 2]} HTTP/1.1` }),
  );
  const { recording, notes } = await read([file("many.log", all.join("\n"))], { maxRequests: 1000 });
  const { weight } = recording.requests;
  expect(weight.length).toBeLessThanOrEqual(1000);
  expect(Math.abs(weight.reduce((a, b) => a + b, 0) / 5000 - 1)).toBeLessThan(0.1);
  expect([...recording.arrivals!]).toEqual(Array.from({ length: 10 }, () => 500));
  expect(recording.classes).toEqual(["GET /x", "GET /y"]);
  expect(notes.join()).toContain("one in 8 is taken");
});

test("one of several pools, and a window", async () => {
  const path = file(
    "pools.log",
    [0, 1000, 2000]
      .flatMap((at) => [line(at, "a:1", { proxy_host: "shop" }), line(at, "b:1", { proxy_host: "api" })])
      .join("\n"),
  );
  await expect(read([path])).rejects.toThrow("2 pools: api (3), shop (3); --pool");
  await expect(read([path], { pool: "web" })).rejects.toThrow('"web", but for api, shop');
  const { recording } = await read([path], { pool: "shop", sinceMs: START + 500, untilMs: START + 2000 });
  expect(recording.servers.map(({ name }) => name)).toEqual(["a:1"]);
  expect(recording).toMatchObject({ startMs: START + 1000, durationMs: 1000 });
});

test("what is no recording is refused, and why", async () => {
  const servers = Array.from({ length: 513 }, (_, i) => line(i, `10.0.${i >> 8}.${i & 255}:80`));
  await expect(read([file("servers.log", servers.join("\n"))])).rejects.toThrow("more than 512 servers");
  const years = file("years.log", [line(0, "a:1"), line(3e11, "b:1")].join("\n"));
  await expect(read([years])).rejects.toThrow(/days at most, by --since and --until/);
  const local = file("local.log", line(0, ""));
  await expect(read([local])).rejects.toThrow("answered without a server");
  const none = file("none.log", line(0, "app", { status: "502" }));
  await expect(read([none])).rejects.toThrow("none of the 1 requests in the log reached a server");
  await expect(read([file("nothing.log", "")])).rejects.toThrow("the log has no requests");
});

test("what has no end is no log, and a line of impossible numbers is one that cannot be read", async () => {
  await expect(read(["/dev/zero"])).rejects.toThrow("/dev/zero: is no regular file");
  const good = [0, 10, 20, 30].map((atMs) => line(atMs, "a:1"));
  const bad = [line(0, "a:1", { msec: "9".repeat(300) }), line(0, "a:1", { upstream_response_time: "9".repeat(300) })];
  const { recording, notes } = await read([file("absurd.log", [...good, ...bad].join("\n"))]);
  expect(recording.requests.atMs.length).toBe(4);
  expect(notes.join(" ")).toContain("2 of 6 lines cannot be read");
});
