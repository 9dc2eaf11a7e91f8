/** How much traffic there was, how fast and how well it was served: counts by time, pool, server, route and status. */

import { isoMoment } from "../../shared/moments.ts";
import type { HistoryReader, HistorySpan, MetricRow } from "../../storage/history-store.ts";
import { type Asked, type Group, QuestionError, type TrafficQuestion } from "../questions.ts";
import { ceilTo, floorTo, STEP_MS, type Step } from "../steps.ts";
import { countedSince, type Plan, planPieces, type Spans } from "./plan.ts";
import { type Figures, Tally } from "./tally.ts";

/** A row's names: those that were grouped by. `null` as a server = none was chosen, as an address = as the server's name. */
export type GroupNames = { readonly [Name in Group]?: string | null };

/** One step of time, one group of requests, or both. */
export interface TrafficRow extends GroupNames, Figures {
  /** Where there is a row for each step: its beginning. */
  readonly at?: string;
}

/** What was asked, as it was understood, in every answer. */
export interface Scope {
  readonly since: string;
  readonly until: string;
  readonly instance?: string;
  readonly pool?: string;
  readonly server?: string;
  readonly route?: string;
}

/** The answer. */
export interface TrafficAnswer extends Scope {
  readonly subject: "traffic";
  readonly by: Step | null;
  readonly group: readonly Group[];
  readonly total: Figures;
  readonly rows: readonly TrafficRow[];
  /** Sentences: what of the answer is not as it was asked, and why. */
  readonly notes: readonly string[];
}

/** Most rows of an answer: each holds a histogram, 1.3 KB, while it is made. */
export const MAX_TRAFFIC_ROWS = 20_000;

/** Answers. Throws a `QuestionError` when the answer would have too many rows. @param nowMs milliseconds since the epoch. */
export async function askTraffic(
  reader: HistoryReader,
  question: TrafficQuestion,
  nowMs: number,
): Promise<TrafficAnswer> {
  const { by, groups } = question;
  const spans = await readSpans(reader);
  const plan = planPieces(question.sinceMs, question.untilMs, by === "minute" ? "minute" : "hour", spans);
  const counted = countedTime(plan, spans, nowMs);
  const rows = new Rows(by, groups);
  if (by !== null && groups.length === 0) rows.prepare(counted.sinceMs, counted.untilMs, by);
  for await (const page of pagesOf(reader, question, plan)) for (const row of page) rows.add(row);
  const made = rows.made(counted);
  return {
    subject: "traffic",
    ...scopeOf({ ...question, sinceMs: plan.sinceMs, untilMs: plan.untilMs }),
    by,
    group: groups,
    total: made.total,
    rows: made.rows,
    notes: [
      ...notesOnTime(question, plan, spans),
      ...(await missing(reader, question, plan)),
      ...(made.total.requests === 0 ? await whyNothing(reader, question, spans) : []),
    ],
  };
}

/** Counts of the pieces, a page at a time. */
export async function* pagesOf(
  reader: HistoryReader,
  { instance, pool, server, route }: Asked,
  { pieces }: Plan,
): AsyncGenerator<readonly MetricRow[]> {
  for (const piece of pieces) yield* reader.metrics({ ...piece, instance, pool, server, route });
}

/** What there is of every resolution. */
export async function readSpans(reader: HistoryReader): Promise<Spans> {
  const [second, minute, hour] = await Promise.all([reader.span("second"), reader.span("minute"), reader.span("hour")]);
  return { second, minute, hour };
}

/** The question as the answer repeats it. */
export function scopeOf({ sinceMs, untilMs, instance, pool, server, route }: Asked): Scope {
  return {
    since: isoMoment(sinceMs),
    until: isoMoment(untilMs),
    ...(instance === undefined ? {} : { instance }),
    ...(pool === undefined ? {} : { pool }),
    ...(server === undefined ? {} : { server }),
    ...(route === undefined ? {} : { route }),
  };
}

/** A span of time, milliseconds since the epoch. */
export interface Time {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Counts come this much after what they count: the end of a span that reaches up to now is not empty but not there yet. */
const COUNTED_LATE_MS = 10_000;

/** Of a plan's time the part in which requests were counted: rates are of it. */
export function countedTime(plan: Plan, spans: Spans, nowMs: number): Time {
  const oldestMs = countedSince(spans);
  const { newestMs } = spans.second;
  const sinceMs = oldestMs === null ? plan.sinceMs : Math.max(plan.sinceMs, oldestMs);
  let untilMs = Math.min(plan.untilMs, nowMs);
  if (newestMs !== null && untilMs - newestMs < COUNTED_LATE_MS) untilMs = Math.min(untilMs, newestMs + STEP_MS.second);
  return { sinceMs, untilMs: Math.max(sinceMs, untilMs) };
}

/** How much of a step was counted, milliseconds. */
function countedOf(stepMs: number, step: Step, { sinceMs, untilMs }: Time): number {
  return Math.max(0, Math.min(stepMs + STEP_MS[step], untilMs) - Math.max(stepMs, sinceMs));
}

class Rows {
  readonly #by: Step | null;
  readonly #groups: readonly Group[];
  readonly #steps = new Map<number, Map<string, { readonly names: GroupNames; readonly tally: Tally }>>();
  #count = 0;

  constructor(by: Step | null, groups: readonly Group[]) {
    this.#by = by;
    this.#groups = groups;
  }

  /** Makes a row for every step, also those without requests: who looks for a hole must see it. */
  prepare(sinceMs: number, untilMs: number, by: Step): void {
    if ((untilMs - sinceMs) / STEP_MS[by] > MAX_TRAFFIC_ROWS) throw tooMany();
    for (let at = floorTo(sinceMs, by); at < ceilTo(untilMs, by); at += STEP_MS[by]) this.#tallyOf(at, null);
  }

  add(row: MetricRow): void {
    this.#tallyOf(this.#by === null ? 0 : floorTo(row.atMs, this.#by), row).add(row);
  }

  made(counted: Time): { readonly total: Figures; readonly rows: readonly TrafficRow[] } {
    const total = new Tally();
    const rows: TrafficRow[] = [];
    for (const [stepMs, step] of [...this.#steps].sort(([a], [b]) => a - b)) {
      const all = new Tally();
      for (const { tally } of step.values()) all.addTally(tally);
      total.addTally(all);
      const by = this.#by;
      if (by === null && this.#groups.length === 0) continue; // it would say the total once more
      const ofMs = by === null ? counted.untilMs - counted.sinceMs : countedOf(stepMs, by, counted);
      const at = by === null ? {} : { at: isoMoment(stepMs) };
      const busiestFirst = [...step.values()].sort((a, b) => b.tally.requests - a.tally.requests);
      for (const { names, tally } of busiestFirst) {
        rows.push({ ...at, ...names, ...tally.figures(ofMs, all.requests) });
      }
    }
    return { total: total.figures(counted.untilMs - counted.sinceMs, total.requests), rows };
  }

  /** @param row `null` = where nothing is grouped. */
  #tallyOf(stepMs: number, row: MetricRow | null): Tally {
    let step = this.#steps.get(stepMs);
    if (step === undefined) {
      step = new Map();
      this.#steps.set(stepMs, step);
    }
    const key = row === null ? "" : keyOf(row, this.#groups);
    const known = step.get(key);
    if (known !== undefined) return known.tally;
    if (++this.#count > MAX_TRAFFIC_ROWS) throw tooMany();
    const made = { names: row === null ? {} : namesOf(row, this.#groups), tally: new Tally() };
    step.set(key, made);
    return made.tally;
  }
}

function tooMany(): QuestionError {
  return new QuestionError(
    `the answer would have more than ${MAX_TRAFFIC_ROWS} rows: ask for less time, longer steps (by) or fewer groups`,
  );
}

/** Different for different groups: lengths stand before what may hold anything. */
function keyOf(row: MetricRow, groups: readonly Group[]): string {
  let key = "";
  for (const group of groups) {
    if (group === "status") key += row.statusClass;
    else if (group === "server") key += `${row.pool.length}:${row.pool}${row.server.length}:${row.server}`;
    else key += `${row[group].length}:${row[group]}`;
  }
  return key;
}

/** A server is named with its pool: another pool may have the same one. */
function namesOf(row: MetricRow, groups: readonly Group[]): GroupNames {
  const names: Partial<Record<Group, string | null>> = {};
  for (const group of groups) {
    if (group === "status") names.status = `${row.statusClass}xx`;
    else if (group === "server") {
      names.pool = row.pool;
      names.server = row.server === "" ? null : row.server;
    } else names[group] = row[group] === "" ? null : row[group];
  }
  return names;
}

function least(spans: readonly HistorySpan[]): number | null {
  const oldest = spans.flatMap(({ oldestMs }) => (oldestMs === null ? [] : [oldestMs]));
  return oldest.length === 0 ? null : Math.min(...oldest);
}

function notesOnTime(asked: Asked & { readonly by: Step | null }, plan: Plan, spans: Spans): string[] {
  const oldestMs = countedSince(spans);
  if (oldestMs === null) return [];
  const notes: string[] = [];
  const minutesMs = least([spans.second, spans.minute]) ?? plan.untilMs;
  if (asked.by === "minute" && asked.sinceMs < minutesMs && oldestMs < floorTo(minutesMs, "hour")) {
    notes.push(
      `counts by the minute are kept since ${isoMoment(minutesMs)} (HISTORY_MINUTES_DAYS); those by the hour reach back to ${isoMoment(oldestMs)}`,
    );
  } else if (asked.sinceMs < floorTo(oldestMs, "minute")) {
    notes.push(
      `counts begin at ${isoMoment(oldestMs)}: of the time before nothing was recorded, or it is not kept any more (HISTORY_HOURS_DAYS, HISTORY_MAX_MEGABYTES)`,
    );
  }
  if (asked.sinceMs - plan.sinceMs >= STEP_MS.second) notes.push(moved("since", asked.sinceMs, plan.sinceMs));
  if (plan.untilMs - asked.untilMs >= STEP_MS.second) notes.push(moved("until", asked.untilMs, plan.untilMs));
  return notes;
}

const MOST_GAPS = 1_000;

/** What the recorder could not count. */
async function missing(reader: HistoryReader, { instance }: Asked, { sinceMs, untilMs }: Plan): Promise<string[]> {
  const gaps = await reader.events({ sinceMs, untilMs, instance, kinds: ["gap"], limit: MOST_GAPS });
  const lost = gaps.reduce((sum, { detail }) => {
    const requests = (detail as { readonly requests?: unknown } | null)?.requests;
    return sum + (typeof requests === "number" ? requests : 0);
  }, 0);
  if (gaps.length === 0) return [];
  const least = gaps.length === MOST_GAPS ? "at least " : "";
  return [`${least}${lost} requests are missing from the counts, of any pool (events of the kind gap say when)`];
}

function moved(name: string, fromMs: number, toMs: number): string {
  return `${name} was moved from ${isoMoment(fromMs)} to ${isoMoment(toMs)}: no finer counts are kept of that time (HISTORY_DETAIL_HOURS, HISTORY_MINUTES_DAYS)`;
}

/** What to look at when no request was found. */
async function whyNothing(reader: HistoryReader, asked: Asked, spans: Spans): Promise<string[]> {
  const newestMs = spans.second.newestMs ?? spans.minute.newestMs ?? spans.hour.newestMs;
  if (newestMs === null) {
    return ["no request was recorded yet: is HISTORY on, and has an instance with this store served anything?"];
  }
  const { pool, server, route, instance, ...time } = asked;
  if (pool === undefined && server === undefined && route === undefined && instance === undefined) {
    return [`no request was recorded in that time; the last one that was counted ended at ${isoMoment(newestMs)}`];
  }
  const names = { pool: new Set<string>(), server: new Set<string>(), route: new Set<string>() };
  const plan = planPieces(time.sinceMs, time.untilMs, "hour", spans);
  for await (const page of pagesOf(reader, time, plan)) {
    for (const row of page) {
      names.pool.add(row.pool);
      names.route.add(row.route);
      if (row.server !== "") names.server.add(row.server);
    }
  }
  if (names.pool.size === 0) return ["no request was recorded in that time, whatever its pool, server and route"];
  const wanted = { pool, server, route };
  const unknown = (["pool", "server", "route"] as const).flatMap((name) => {
    const text = wanted[name];
    if (text === undefined || names[name].has(text)) return [];
    return [`no ${name} "${text}" had a request in that time; these had: ${someOf(names[name])}`];
  });
  if (unknown.length > 0) return unknown;
  const all = "no request in that time is of all that was asked for";
  return [instance === undefined ? all : `${all}: is "${instance}" the INSTANCE_NAME that recorded?`];
}

const SHOWN_NAMES = 10;

function someOf(names: ReadonlySet<string>): string {
  const sorted = [...names].sort();
  const more = sorted.length - SHOWN_NAMES;
  return sorted.slice(0, SHOWN_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
