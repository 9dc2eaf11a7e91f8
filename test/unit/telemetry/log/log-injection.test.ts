/**
 * Lines of the logs are read back by a parser that knows nothing of how they were written: whatever is in a message, a
 * field or a request, each line gives exactly what went in, and there are as many lines as were written.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { AccessLog } from "../../../../src/proxy/record/access-log/access-log.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { createLogger } from "../../../../src/telemetry/log/logger.ts";
import { LOGGED_OUTCOME, loggedRequest } from "../../../support/logged-request.ts";

let directory: string;
let fd: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-log-"));
  fd = openSync(join(directory, "log"), "a");
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true, force: true });
});

/** Pieces of which hostile texts are made: what ends lines, quotes and fields, and what looks like a line of ours. */
const PIECES = [
  ..."\n\r\t\0\x1b\x7f\"'\\={}[]: ,",
  "\u009b31m",
  "\u2028",
  "\u202e",
  "\ud800",
  "ü",
  "🙂",
  "msg",
  ' {"port":1}',
  "\n[2026-01-01T00:00:00.000Z] ERROR: supervisor: forged",
  '\n{"level":"error","msg":"forged"}',
  "server=3 error=none",
  '\\"',
  "word",
];

function texts(seed: number, count: number): string[] {
  const random = seededRandom(seed);
  const pick = () => PIECES[Math.floor(random.next() * PIECES.length)];
  return Array.from({ length: count }, () => Array.from({ length: Math.floor(random.next() * 8) }, pick).join(""));
}

const written = (): string => readFileSync(join(directory, "log"), "utf8");
/** What a lone surrogate becomes in UTF-8 is not the log's business. */
const scalar = (text: string): string => text.toWellFormed();

/** Reads a line of text as log-lines.ts describes it. */
function parseText(line: string): { level: string; process: string; msg: string; fields: Record<string, unknown> } {
  const match = /^\[\d{4}-\d\d-\d\dT[\d:.]{12}Z\] ([A-Z]+): ([\w-]+): (.*)$/u.exec(line);
  if (match === null) throw new Error(`no line of ours: ${line}`);
  const [, level, name, rest] = match;
  const quoted = /^"(?:[^"\\]|\\.)*"/u.exec(rest);
  const brace = quoted ? quoted[0].length + 1 : rest.indexOf("{");
  const message = quoted ? quoted[0] : brace < 0 ? rest : rest.slice(0, Math.max(0, brace - 1));
  const json = brace < 0 ? "" : rest.slice(brace);
  return {
    level,
    process: name,
    msg: quoted ? JSON.parse(message) : message,
    fields: json === "" ? {} : JSON.parse(json),
  };
}

/** Controls, marks and separators that a terminal obeys or a reader of lines takes for an end. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe.each([1, 2, 3, 4])("the process log, seed %d", (seed) => {
  test("text: every line gives back its message and its fields, and nothing else", () => {
    const log = createLogger({ level: "info", format: "text", name: "supervisor", fd });
    const messages = texts(seed, 200);
    const values = texts(seed + 100, 200);
    for (const [i, message] of messages.entries()) log.warn({ server: values[i], [`k${values[i]}`]: i }, message);
    const lines = written().split("\n");
    expect(lines.pop()).toBe("");
    expect(lines).toHaveLength(messages.length);
    for (const [i, line] of lines.entries()) {
      expect(line).not.toMatch(OBEYED);
      const parsed = parseText(line);
      expect(parsed).toMatchObject({ level: "WARN", process: "supervisor" });
      expect(scalar(parsed.msg)).toBe(scalar(messages[i]));
      expect(scalar(String(parsed.fields.server))).toBe(scalar(values[i]));
      expect(Object.keys(parsed.fields)).toHaveLength(2);
    }
  });

  test("text: the stack of an error stays on lines of its own, and its message in its field", () => {
    const log = createLogger({ level: "info", format: "text", name: "worker-0", fd });
    const messages = texts(seed, 50).filter((text) => text !== "");
    for (const message of messages) log.error({ err: new Error(message) }, "internal error");
    const lines = written().trimEnd().split("\n");
    const heads = lines.filter((line) => !line.startsWith("    "));
    expect(heads).toHaveLength(messages.length);
    for (const [i, line] of heads.entries()) {
      const { msg, fields } = parseText(line);
      expect(msg).toBe("internal error");
      expect(scalar((fields.err as Error).message)).toBe(scalar(messages[i]));
    }
    for (const line of lines) expect(line).not.toMatch(OBEYED);
  });

  test("JSON: the same, and nothing that a terminal obeys", () => {
    const log = createLogger({ level: "info", format: "json", name: "supervisor", fd });
    const messages = texts(seed, 200);
    const values = texts(seed + 100, 200);
    for (const [i, message] of messages.entries()) log.warn({ server: values[i] }, message);
    const lines = written().split("\n").slice(0, -1);
    expect(lines).toHaveLength(messages.length);
    for (const [i, line] of lines.entries()) {
      expect(line).not.toMatch(OBEYED);
      const { msg, server } = JSON.parse(line) as Record<string, string>;
      expect([scalar(msg), scalar(server)]).toEqual([scalar(messages[i]), scalar(values[i])]);
    }
  });
});

/** What a request target may hold: visible ASCII without `#` (char-class.ts). */
const TARGET_BYTES = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((c) => c !== "#");

describe.each(["text", "json"] as const)("the access log, %s", (format) => {
  test("every line gives back its target and its ids", async () => {
    const random = seededRandom(7);
    const [block] = viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).workers;
    const log = new AccessLog(fd, block, { format });
    const pick = () => TARGET_BYTES[Math.floor(random.next() * TARGET_BYTES.length)];
    const hostile = ['/"', '/\\"', "/\\\\", '/"200"server=3', '/a","status":500,"x":"', "/a\\"];
    const targets = [...hostile, ...Array.from({ length: 300 }, () => `/${Array.from({ length: 12 }, pick).join("")}`)];
    const id = "server=9,error=x";
    for (const target of targets) {
      const ids = Buffer.from(id + "t".repeat(32));
      const requestId = { requestIdBuffer: ids, requestIdStart: 0, requestIdEnd: id.length };
      const trace = { traceIdBuffer: ids, traceIdStart: id.length };
      log.record(loggedRequest(target, {}, { ...requestId, ...trace }), LOGGED_OUTCOME, 1, 0);
    }
    await log.close(5000);
    const lines = written().split("\n").slice(0, -1);
    expect(lines).toHaveLength(targets.length);
    for (const [i, line] of lines.entries()) {
      if (format === "json") {
        expect(JSON.parse(line)).toMatchObject({ path: targets[i], status: 200, server_id: 3, request_id: id });
        continue;
      }
      const parts =
        /^\S+ 1\.2\.3\.4 "((?:[^"\\]|\\.)*)" (\d+) [\d.]+s 12B server=(\d+) request_id=(\S+) trace_id=t+$/.exec(line);
      expect(parts?.slice(2)).toEqual(["200", "3", id]);
      expect(JSON.parse(`"${parts?.[1]}"`)).toBe(`GET ${targets[i]}`);
    }
  });
});
