/** Puts into words why a request went where it went, from the workers' rings and from the tables that are remembered. */
import { crowdFactor } from "../../balancing/crowd.ts";
import type {
  DescribedServer,
  IneligibleServer,
  LearnedAttempt,
  LearnedCandidate,
  LearnedExplanation,
  LearnerDescription,
  LearningState,
  ScoreParts,
} from "../../shared/explanation/learned.ts";
import { ARM_NAMES, DecisionArm, RUNG_NAMES } from "../../shared/memory/layout/learning.ts";
import { MAX_SERVERS, ServerState, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { hashRequestId } from "../../shared/memory/request-id-hash.ts";
import { FEATURE_NAMES } from "../features/feature-names.ts";
import { FEATURE_COUNT } from "../features/fleet-features.ts";
import { costIn, type PublishedTable, type TableHistory } from "./table-history.ts";
import { TableModel } from "./table-writer.ts";
import { findOutcomes, findRequest, type RecordedCandidate, type RecordedDecision } from "./worker-rings.ts";

const LOG_EXPECTED = FEATURE_NAMES.indexOf("log_expected");
const STATE_NAMES = nameOf(ServerState);

/** A pool, to explain by. */
export interface ExplainedPool {
  /** Its row. */
  readonly row: number;
  /** Missing while it is the only one. */
  readonly name?: string;
  readonly history: TableHistory;
}

/** What is read to explain. */
export interface ExplainSources {
  readonly memory: SharedMemory;
  /** Whose server that is; `undefined` = nobody is asked about, or knows. */
  readonly poolOf: (decision: RecordedDecision) => ExplainedPool | undefined;
  /** Added to the boot clock it gives milliseconds since the epoch. */
  readonly wallOffsetMs: () => number;
}

/** The explanation of a recent request; `null` when no worker remembers it. */
export function explainRequest(sources: ExplainSources, requestId: string): LearnedExplanation | null {
  const hash = new Int32Array(4);
  const bytes = Buffer.from(requestId, "latin1");
  hashRequestId(bytes, 0, bytes.length, hash, 0);
  const decisions = findRequest(sources.memory, hash);
  if (decisions.length === 0) return null;
  const tried = new Set<number>();
  const attempts: LearnedAttempt[] = [];
  for (const decision of decisions) {
    const pool = sources.poolOf(decision);
    if (pool === undefined) continue;
    attempts.push(explainDecision(sources, pool, decision, tried));
    tried.add(decision.serverId);
  }
  if (attempts.length === 0) return null;
  return { request_id: requestId, attempts };
}

/** What is known of the servers of the newest table, and why there is none. */
export function describeLearner(
  memory: SharedMemory,
  history: TableHistory,
  rungReason: string,
  models: LearningState | null,
): LearnerDescription {
  const table = history.newest(TableModel.CHAMPION);
  const known = { rung_reason: rungReason, remembered_tables: history.length, models };
  if (table === undefined) return { ...known, mean_latency_ms: null, servers: null };
  const { features } = table;
  const servers = Array.from(features.slots, (slot, server): DescribedServer => {
    const inFlight = memory.servers.inFlight[slot];
    return {
      server_id: features.ids[server],
      url: null,
      in_flight: inFlight,
      cost: round(costIn(table, server, inFlight)),
      expected_ms: round(expectedMs(table, server, inFlight)),
      features: namedFeatures(table, server, inFlight),
    };
  });
  return { ...known, mean_latency_ms: round(features.meanMs), servers };
}

function explainDecision(
  { memory, wallOffsetMs }: ExplainSources,
  { row, name, history }: ExplainedPool,
  decision: RecordedDecision,
  tried: Set<number>,
): LearnedAttempt {
  const { arm, table: sequence, atMs } = decision;
  const model = arm === DecisionArm.CANARY ? TableModel.CANARY : TableModel.CHAMPION;
  const used = sequence === 0 ? undefined : history.find(model, sequence);
  // Decisions without a table are explained by what was known at that moment.
  const known = used ?? (sequence === 0 ? history.at(TableModel.CHAMPION, atMs) : undefined);
  const outcome = findOutcomes(memory, decision).at(-1);
  return {
    ...(name === undefined ? {} : { pool: name }),
    at: new Date(atMs + wallOffsetMs()).toISOString(),
    worker: decision.worker,
    server_id: decision.serverId,
    url: null,
    arm: ARM_NAMES[arm],
    policy: arm === DecisionArm.PROBE ? "probe" : RUNG_NAMES[decision.rung],
    propensity: round(decision.propensity),
    table: used ? { sequence, model_version: used.modelVersion, age_ms: round(Math.max(0, atMs - used.atMs)) } : null,
    outcome: outcome ? { latency_ms: round(outcome.latencyMs), failed: outcome.failed } : null,
    candidate_count: decision.candidateCount,
    candidates: decision.candidates.map((candidate) => explainCandidate(memory, decision, candidate, known)),
    ineligible: ineligibleServers(memory, row, decision, tried),
  };
}

function explainCandidate(
  memory: SharedMemory,
  decision: RecordedDecision,
  candidate: RecordedCandidate,
  table: PublishedTable | undefined,
): LearnedCandidate {
  const { slot, inFlight, score } = candidate;
  // The slot may have changed hands since: a table that is remembered says whose it was.
  const place = table === undefined ? -1 : table.features.slots.indexOf(slot);
  const chosen = slot === decision.slot;
  const serverId = chosen
    ? decision.serverId
    : table !== undefined && place >= 0
      ? table.features.ids[place]
      : memory.servers.id[slot];
  const isKnown = table !== undefined && place >= 0;
  return {
    server_id: serverId,
    url: null,
    chosen,
    in_flight: inFlight,
    score: score === 0 ? null : round(score),
    parts: isKnown && score !== 0 ? partsOf(memory, candidate, table, place) : null,
    features: isKnown ? namedFeatures(table, place, inFlight) : null,
  };
}

function partsOf(
  { servers }: SharedMemory,
  { slot, inFlight, waiting, score }: RecordedCandidate,
  table: PublishedTable,
  place: number,
): ScoreParts {
  const expected = expectedMs(table, place, inFlight);
  const cost = costIn(table, place, inFlight);
  const crowd = table.isCost ? crowdFactor(waiting, inFlight) : 1;
  const weight = servers.effectiveWeight[slot];
  return {
    expected_ms: round(expected),
    network: table.isCost ? round(cost / expected) : null,
    cost: round(cost),
    crowd: round(crowd),
    stall_and_failures: round((score * weight) / (cost * crowd)),
    weight: round(weight),
  };
}

/** As far as can be told now: states may have changed since the request was placed. */
function ineligibleServers(
  { servers }: SharedMemory,
  row: number,
  decision: RecordedDecision,
  tried: ReadonlySet<number>,
): IneligibleServer[] {
  const found: IneligibleServer[] = [];
  if (decision.candidateCount > decision.candidates.length) return found; // they are not all in the record
  for (let slot = 0; slot < MAX_SERVERS; slot++) {
    const id = servers.id[slot];
    if (id === 0 || servers.pool[slot] !== row || decision.candidates.some((candidate) => candidate.slot === slot))
      continue;
    const state = servers.state[slot];
    const name = STATE_NAMES[state];
    const why = tried.has(id)
      ? "an earlier attempt of this request was there"
      : state !== ServerState.UP
        ? WHY[name]
        : servers.hardLimit[slot] > 0
          ? `it was at its limit of ${servers.hardLimit[slot]} requests, or came back since`
          : "it takes requests now and did not then";
    found.push({ server_id: id, url: null, state: name, why });
  }
  return found;
}

const WHY: Readonly<Record<string, string>> = {
  down: "its health checks fail",
  draining: "it is draining: it finishes what it has and takes nothing new",
  standby: "it is a backup: it takes requests when the pool's others cannot",
  ejected: "it was ejected: its answers fail or are far slower than the others'",
};

function expectedMs({ features }: PublishedTable, server: number, inFlight: number): number {
  const row = new Float64Array(FEATURE_COUNT);
  features.fillRow(server, inFlight, row, 0);
  return features.meanMs * Math.exp(row[LOG_EXPECTED]);
}

function namedFeatures({ features }: PublishedTable, server: number, inFlight: number): Record<string, number | null> {
  const row = new Float64Array(FEATURE_COUNT);
  features.fillRow(server, inFlight, row, 0);
  return Object.fromEntries(
    FEATURE_NAMES.map((name, i) => [name, Number.isNaN(row[i]) ? null : round(row[i])] as const),
  );
}

/** Names of a constant's values, in lower case, by value. */
function nameOf(values: Readonly<Record<string, number>>): readonly string[] {
  const names: string[] = [];
  for (const [name, value] of Object.entries(values)) names[value] = name.toLowerCase();
  return names;
}

/** Six digits are more than anybody reads. */
function round(value: number): number {
  return Number(value.toPrecision(6));
}
