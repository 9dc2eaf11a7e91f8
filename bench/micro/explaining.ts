/** What it costs that requests can be explained: a choice that is taken down, an attempt, and the record of the request. */
import { join } from "node:path";
import type { ExplainRing } from "../../src/shared/memory/layout/explain.ts";
import type { Case } from "./cases.ts";

const CHUNKS = 64;
/** Requests per millisecond: more than ten minutes have room for. */
const PER_MS = 20;

/** For a small and a large fleet. */
export async function makeExplainingCases(root: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src", path);
  // A base that knows nothing of it has nothing to compare.
  if (!(await Bun.file(source("proxy/record/explain/explain-writer.ts")).exists())) return [];
  const { leastConnections } = (await import(
    source("balancing/least-connections.ts")
  )) as typeof import("../../src/balancing/least-connections.ts");
  const { consistentHash } = (await import(
    source("balancing/consistent-hash.ts")
  )) as typeof import("../../src/balancing/consistent-hash.ts");
  const { seededRandom } = (await import(
    source("balancing/random.ts")
  )) as typeof import("../../src/balancing/random.ts");
  const { OutcomeRecord } = (await import(
    source("proxy/exchange/attempts/outcome-record.ts")
  )) as typeof import("../../src/proxy/exchange/attempts/outcome-record.ts");
  const { ChoiceRecord } = (await import(
    source("proxy/pick/choice-record.ts")
  )) as typeof import("../../src/proxy/pick/choice-record.ts");
  const { ExplainWriter } = (await import(
    source("proxy/record/explain/explain-writer.ts")
  )) as typeof import("../../src/proxy/record/explain/explain-writer.ts");
  const { RequestNotes } = (await import(
    source("proxy/record/explain/request-notes.ts")
  )) as typeof import("../../src/proxy/record/explain/request-notes.ts");
  const { addChunk } = (await import(
    source("shared/memory/explain/chunks.ts")
  )) as typeof import("../../src/shared/memory/explain/chunks.ts");
  const { ExplainFigure } = (await import(
    source("shared/memory/layout/explain.ts")
  )) as typeof import("../../src/shared/memory/layout/explain.ts");
  const { RecorderWish } = (await import(
    source("shared/memory/layout/history.ts")
  )) as typeof import("../../src/shared/memory/layout/history.ts");
  const { SHARED_BYTES, viewSharedMemory } = (await import(
    source("shared/memory/layout/shared-memory.ts")
  )) as typeof import("../../src/shared/memory/layout/shared-memory.ts");
  const { Method } = (await import(
    source("shared/memory/series-table.ts")
  )) as typeof import("../../src/shared/memory/series-table.ts");
  const cases = [
    { servers: 3, of: leastConnections },
    { servers: 32, of: leastConnections },
    { servers: 300, of: leastConnections },
    { servers: 300, of: consistentHash },
  ];
  return cases.map(({ servers, of }) => {
    const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
    const { id, weight, effectiveWeight, inFlight } = memory.servers;
    for (let slot = 0; slot < servers; slot++) {
      id[slot] = slot + 1;
      weight[slot] = effectiveWeight[slot] = 1;
      inFlight[slot] = slot % 7;
    }
    for (let chunk = 0; chunk < CHUNKS; chunk++) addChunk(memory.explain, 0, (chunk & 1) as ExplainRing, chunk);
    memory.explain.limits.fill(CHUNKS * 8_192);
    const { next } = seededRandom(3);
    const fleet = { ...memory.servers, identityHash: new Uint32Array(id.length) };
    const strategy = of.create({ fleet, random: next }, {});
    const choice = new ChoiceRecord(memory.servers);
    const writer = new ExplainWriter(memory.explain, 0, new Float64Array(RecorderWish.LENGTH), 0, next);
    const notes = new RequestNotes();
    const outcome = new OutcomeRecord();
    const candidates = Int32Array.from({ length: servers }, (_, slot) => slot);
    const headBuffer = Buffer.from("GET /items/4711?page=2 HTTP/1.1\r\n");
    const ids = Buffer.from("8f1d8f1f5210c2f4a5f9c01b0243cc12");
    const request = {
      ...{ headBuffer, methodStart: 0, methodEnd: 3, targetStart: 4, targetEnd: 22, method: Method.GET },
      ...{ requestIdBuffer: ids, requestIdStart: 0, requestIdEnd: 32, ownId: true, clientAddress: Buffer.from("::1") },
      ...{ route: 0, poolRow: 0, startedMs: 0 },
    };
    const done = { status: 200, failure: null, waitMs: 0, isTunnel: false };
    const placed = { strategy: 2, arm: -1, record: choice };
    return {
      name: `explanation of a request, ${servers} servers${of === leastConnections ? "" : `, ${of.name}`}`,
      run: (times: number) => {
        for (let i = 0; i < times; i++) {
          const nowMs = 1_000 + i / PER_MS;
          request.startedMs = nowMs - 5;
          notes.begin(request.startedMs);
          const slot = i % servers;
          choice.begin(slot, servers, 0);
          strategy.explain?.(candidates, servers, 0, nowMs, slot, choice);
          choice.end(candidates, servers);
          choice.ineligible.clear();
          outcome.begin(slot, slot + 1, 1, 0, 2, nowMs);
          const row = notes.attempt(0, outcome, placed);
          outcome.connected(true, Number.NaN, nowMs);
          outcome.head(200, nowMs);
          outcome.end(null, 5120);
          notes.ended(row, outcome, nowMs);
          notes.responded(row);
          writer.record(request, done, notes, false, nowMs);
        }
      },
      check: () => {
        if (memory.explain.figures[ExplainFigure.WRITTEN] === 0) throw new Error("nothing was written");
      },
    };
  });
}
