/** What was different: a span of time against the hour before it, by server and by route, and what happened meanwhile. */

import { isoMoment } from "../shared/moments.ts";
import type { HistoryReader } from "../storage/history-store.ts";
import { newestEvents, type ShownEvent, shownEvent } from "./events.ts";
import type { IncidentQuestion } from "./questions.ts";
import { STEP_MS } from "./steps.ts";
import { planPieces } from "./traffic/plan.ts";
import { type Figures, Tally } from "./traffic/tally.ts";
import { countedTime, pagesOf, readSpans, type Scope, scopeOf, type Time } from "./traffic/traffic.ts";

/** What is compared. */
const FIGURES = ["error_share", "p50_ms", "p99_ms", "share", "requests_per_second", "wait_mean_ms"] as const;

/** One difference that is worth a look. */
export interface Finding {
  readonly about: "all" | "server" | "route";
  readonly pool: string | null;
  /** Of the server or the route. */
  readonly name: string | null;
  readonly figure: (typeof FIGURES)[number];
  readonly before: number;
  readonly during: number;
}

/** The answer. */
export interface IncidentAnswer extends Scope {
  readonly subject: "incident";
  /** Since when it is compared with. */
  readonly before_since: string;
  /** The greatest first. */
  readonly findings: readonly Finding[];
  /** From ten minutes before on, as they happened. */
  readonly events: readonly ShownEvent[];
  readonly notes: readonly string[];
}

const BEFORE_MS = STEP_MS.hour;
const LEAD_MS = 10 * STEP_MS.minute;
const MOST_FINDINGS = 50;
const MOST_EVENTS = 200;
/** With fewer requests on either side nothing can be said; of the slowest hundredth it takes more. */
const FEWEST = 20;
const FEWEST_OF_P99 = 300;
/** Shares below it are noise. */
const LEAST_SHARE = 0.05;
/** What a server weighs that got nothing any more: as much as any factor. */
const GONE = 10;
/** Standard deviations by which shares must differ: much is compared, and requests of one moment share their fate. */
const SURE = 4;

/** Answers. @param nowMs milliseconds since the epoch. */
export async function askIncident(
  reader: HistoryReader,
  question: IncidentQuestion,
  nowMs: number,
): Promise<IncidentAnswer> {
  const { sinceMs, untilMs } = question;
  const during = await tallies(reader, question, question, nowMs);
  const before = await tallies(reader, question, { sinceMs: sinceMs - BEFORE_MS, untilMs: sinceMs }, nowMs);
  const weighed: { readonly finding: Finding; readonly weight: number }[] = [];
  for (const [key, entry] of during.entries) {
    const then = before.entries.get(key);
    if (then === undefined || then.tally.requests < FEWEST || entry.tally.requests < FEWEST) continue;
    const was = then.tally.figures(before.ofMs, before.all);
    const is = entry.tally.figures(during.ofMs, during.all);
    for (const figure of FIGURES) {
      const weight = weightOf(figure, was, is);
      if (weight === 0) continue;
      const { about, pool, name } = entry;
      weighed.push({
        finding: { about, pool, name, figure, before: was[figure] ?? 0, during: is[figure] ?? 0 },
        weight,
      });
    }
  }
  for (const [key, { about, pool, name, tally }] of before.entries) {
    // A server that got nothing any more has no times to compare, and yet is what one looks for.
    if (about !== "server" || during.entries.has(key) || during.all < FEWEST || tally.requests < FEWEST) continue;
    const { share } = tally.figures(before.ofMs, before.all);
    if (share === null || share < LEAST_SHARE) continue;
    weighed.push({ finding: { about, pool, name, figure: "share", before: share, during: 0 }, weight: GONE });
  }
  weighed.sort((a, b) => b.weight - a.weight);
  const asked = { ...question, sinceMs: sinceMs - LEAD_MS, kinds: [], limit: MOST_EVENTS };
  const events = (await newestEvents(reader, asked, MOST_EVENTS)).reverse();
  const notes: string[] = [];
  if (during.all < FEWEST) notes.push(`fewer than ${FEWEST} requests were recorded in that time`);
  else if (before.all < FEWEST) notes.push(`fewer than ${FEWEST} requests were recorded in the hour before`);
  else if (weighed.length === 0) notes.push("nothing that is compared was much different from the hour before");
  return {
    subject: "incident",
    ...scopeOf({ ...question, sinceMs, untilMs }),
    before_since: isoMoment(sinceMs - BEFORE_MS),
    findings: weighed.slice(0, MOST_FINDINGS).map(({ finding }) => finding),
    events: events.map(shownEvent),
    notes,
  };
}

interface Entry extends Pick<Finding, "about" | "pool" | "name"> {
  readonly tally: Tally;
}

interface Tallies {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly all: number;
  readonly ofMs: number;
}

async function tallies(
  reader: HistoryReader,
  question: IncidentQuestion,
  { sinceMs, untilMs }: Time,
  nowMs: number,
): Promise<Tallies> {
  const spans = await readSpans(reader);
  const plan = planPieces(sinceMs, untilMs, "hour", spans);
  const entries = new Map<string, Entry>();
  const tallyOf = (about: Finding["about"], pool: string | null, name: string | null): Tally => {
    const key = JSON.stringify([about, pool, name]);
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = { about, pool, name, tally: new Tally() };
      entries.set(key, entry);
    }
    return entry.tally;
  };
  const all = tallyOf("all", null, null);
  for await (const page of pagesOf(reader, question, plan)) {
    for (const row of page) {
      all.add(row);
      tallyOf("route", row.pool, row.route).add(row);
      if (row.server !== "") tallyOf("server", row.pool, row.server).add(row);
    }
  }
  const counted = countedTime(plan, spans, nowMs);
  return { entries, all: all.requests, ofMs: counted.untilMs - counted.sinceMs };
}

/**
 * How much a difference is worth showing; 0 = not at all. A factor counts as its logarithm, so that twice and half are
 * alike; errors count most, for they are what calls people.
 */
function weightOf(figure: Finding["figure"], was: Figures, is: Figures): number {
  const [before, during] = [was[figure] ?? 0, is[figure] ?? 0];
  const difference = Math.abs(during - before);
  if (figure === "error_share") return difference >= 0.01 && areOther(was, is) ? 10 + 100 * difference : 0;
  if (figure === "share" && Math.max(before, during) < LEAST_SHARE) return 0;
  if (figure === "wait_mean_ms" && Math.max(before, during) < 5) return 0;
  if (figure === "p99_ms" && Math.min(was.requests, is.requests) < FEWEST_OF_P99) return 0;
  const factor = Math.abs(Math.log2((during + 1e-3) / (before + 1e-3)));
  return factor >= Math.log2(1.5) ? Math.min(factor, 10) : 0;
}

/** Do the shares of errors differ by more than chance? The test of two proportions. */
function areOther(was: Figures, is: Figures): boolean {
  const share = (was.errors + is.errors) / (was.requests + is.requests);
  const deviation = Math.sqrt(share * (1 - share) * (1 / was.requests + 1 / is.requests));
  return Math.abs(was.errors / was.requests - is.errors / is.requests) > SURE * deviation;
}
