/** What a record says of one attempt, in the words of the API. */
import { STRATEGY_NAMES } from "../../balancing/registry.ts";
import type { AttemptKind, ExplainedAttempt, ExplainedCandidate } from "../../shared/explanation/explanation.ts";
import type { IneligibleServer } from "../../shared/explanation/learned.ts";
import { failureCode } from "../../shared/failure-codes.ts";
import {
  ExplainAttemptFlag,
  ExplainAttemptWord,
  ExplainCandidateFlag,
  ExplainCandidateWord,
  Ineligible,
} from "../../shared/memory/layout/explain.ts";
import { TraceAttemptKind } from "../../shared/memory/layout/tracing.ts";
import type { ExplainNames } from "./names.ts";
import { beganMs, type FoundRecord, type Meanings, rounded } from "./record.ts";
import { howChosen, INELIGIBLE, limitText, RANKS, SCALES } from "./words.ts";

const ID_MASK = 0xff_ffff;
const KINDS: Readonly<Record<number, AttemptKind>> = {
  [TraceAttemptKind.FIRST]: "first",
  [TraceAttemptKind.RETRY]: "retry",
  [TraceAttemptKind.HEDGE]: "hedge",
  [TraceAttemptKind.AUTHORISE]: "authorise",
};
const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Int32Array(FLOAT.buffer);

/** The attempt at `place`. What `ml` has learned of it is added by who asks the learner. */
export function describeAttempt(
  record: FoundRecord,
  place: number,
  { names, classes, limitOf, wallOffsetMs }: Meanings,
): ExplainedAttempt {
  const { words, floats } = record.row;
  const first = words[place + ExplainAttemptWord.SERVER];
  const how = words[place + ExplainAttemptWord.CHOICE];
  const counts = words[place + ExplainAttemptWord.COUNTS];
  const statusWord = words[place + ExplainAttemptWord.STATUS];
  const id = first & ID_MASK;
  const flags = (first >>> 28) & 0xf;
  const kept = (how >>> 15) & 0xf;
  const ineligibleKept = (how >>> 19) & 7;
  const status = statusWord & 0xffff;
  const failure = failureCode((statusWord >>> 16) & 0xff);
  const startMs = beganMs(record) + floats[place + ExplainAttemptWord.START];
  const headMs = known(floats[place + ExplainAttemptWord.HEAD]);
  const totalMs = known(floats[place + ExplainAttemptWord.END]);
  const behind = place + ExplainAttemptWord.CANDIDATES + kept * ExplainCandidateWord.LENGTH;
  const arms = counts >>> 20;
  const told = howChosen((how >>> 5) & 0x1f, (arms & 0xf) - 1, (arms >>> 4) & 0xf);
  const rank = RANKS[(how >>> 26) & 7];
  const kind = KINDS[(first >>> 24) & 0xf] ?? "first";
  const responded = (flags & ExplainAttemptFlag.RESPONDED) !== 0;
  const ended = { kind, status, failure, headMs, totalMs, responded };
  return {
    ...named(names, id),
    at: new Date(startMs + wallOffsetMs).toISOString(),
    worker: record.worker,
    kind,
    pool: names.server(id)?.pool ?? null,
    strategy: STRATEGY_NAMES[how & 0x1f] ?? "unknown",
    choice: told.word,
    why: rank === undefined ? told.why : `${told.why}; ${rank}`,
    scale: SCALES[(how >>> 10) & 0x1f] ?? null,
    held_ms: rounded(Math.max(0, floats[place + ExplainAttemptWord.HELD])),
    sent_anyway: (flags & ExplainAttemptFlag.SENT_ANYWAY) !== 0,
    ...classOf(record, place, names.server(id)?.pool, classes),
    connect_ms: known(floats[place + ExplainAttemptWord.CONNECT]),
    head_ms: headMs,
    total_ms: totalMs,
    status: status === 0 ? null : status,
    failure: failure === "" ? null : failure,
    responded,
    result: resultOf(ended),
    outcome: outcomeOf(ended),
    candidate_count: counts & 0x3ff,
    candidates: candidatesOf(record, place, kept, id, names),
    ineligible_count: (counts >>> 10) & 0x3ff,
    ineligible: Array.from(words.subarray(behind, behind + ineligibleKept), (word) =>
      ineligibleOf(word, names, limitOf),
    ),
    ineligible_by_state: countsOf(
      words.subarray(behind + ineligibleKept, behind + ineligibleKept + ((how >>> 22) & 0xf)),
    ),
    arm: null,
    policy: null,
    propensity: null,
    table: null,
  };
}

function classOf(
  { row: { words, floats } }: FoundRecord,
  place: number,
  pool: string | undefined,
  classes: Meanings["classes"],
): Pick<ExplainedAttempt, "expected_cost" | "request_class"> {
  const work = floats[place + ExplainAttemptWord.WORK];
  if (!(work > 0)) return { expected_cost: null, request_class: null };
  const known = pool === undefined ? [] : classes(pool);
  const of = (hash: number) => (hash === 0 ? undefined : known.find((one) => one.hash === hash));
  const found = of(words[place + ExplainAttemptWord.TEMPLATE]) ?? of(words[place + ExplainAttemptWord.PARENT_TEMPLATE]);
  return {
    expected_cost: rounded(work),
    request_class: found === undefined ? null : `${found.method} ${found.template}`,
  };
}

function candidatesOf(
  { row: { words, floats } }: FoundRecord,
  place: number,
  kept: number,
  chosen: number,
  names: ExplainNames,
): ExplainedCandidate[] {
  return Array.from({ length: kept }, (_, i) => {
    const at = place + ExplainAttemptWord.CANDIDATES + i * ExplainCandidateWord.LENGTH;
    const server = words[at + ExplainCandidateWord.SERVER];
    const load = words[at + ExplainCandidateWord.LOAD];
    const score = floats[at + ExplainCandidateWord.SCORE];
    FLOAT_BITS[0] = load & ~0xffff;
    return {
      ...named(names, server & ID_MASK),
      chosen: (server & ID_MASK) === chosen,
      in_flight: load & 0xffff,
      weight: Number(FLOAT[0].toPrecision(3)),
      score: Number.isFinite(score) ? Number(score.toPrecision(6)) : null,
      full: ((server >>> 24) & ExplainCandidateFlag.FULL) !== 0,
      parts: null,
      features: null,
    };
  });
}

function ineligibleOf(word: number, names: ExplainNames, limitOf: Meanings["limitOf"]): IneligibleServer {
  const [state, why] = INELIGIBLE[word >>> 24] ?? ["unknown", "why is not known"];
  const server = named(names, word & ID_MASK);
  const learned = word >>> 24 === Ineligible.AT_LIMIT ? limitOf(server.server_id) : null;
  return { ...server, state, why: learned === null ? why : `${why} (${limitText(learned.limit, learned.sources)})` };
}

function countsOf(words: Int32Array): Record<string, number> {
  return Object.fromEntries(
    Array.from(words, (word) => [INELIGIBLE[word >>> 24]?.[0] ?? "unknown", word & ID_MASK] as const),
  );
}

function named(names: ExplainNames, id: number): { server_id: number; url: string | null } {
  const server = names.server(id);
  return { server_id: server?.id ?? id, url: server?.url ?? null };
}

interface Ended {
  readonly kind: AttemptKind;
  readonly status: number;
  readonly failure: string;
  readonly headMs: number | null;
  readonly totalMs: number | null;
  readonly responded: boolean;
}

function resultOf({ kind, status, failure, headMs, totalMs, responded }: Ended): string {
  const after = (ms: number | null): string => (ms === null ? "" : ` after ${Number(ms.toPrecision(3))} ms`);
  if (failure === "client_aborted") return `the client left${after(totalMs)}`;
  if (failure !== "" && status === 0) return `failed${after(totalMs)}: ${failure}`;
  if (failure !== "") return `answered ${status}${after(headMs)}, broke off${after(totalMs)}: ${failure}`;
  if (status === 0) return `given up${after(totalMs)}: another attempt was faster, or nobody waited any more`;
  if (kind === "authorise" && !responded)
    return `answered ${status}${after(headMs)}: the request may pass, or was refused for it`;
  return responded ? `answered ${status}${after(headMs)}` : `answered ${status}${after(headMs)}, which was not used`;
}

function outcomeOf({ status, failure, headMs, totalMs }: Ended): ExplainedAttempt["outcome"] {
  if (failure === "client_aborted" || (failure === "" && status === 0)) return null;
  const latencyMs = headMs ?? totalMs;
  return latencyMs === null ? null : { latency_ms: latencyMs, failed: failure !== "" || status >= 500 };
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : rounded(value);
}
