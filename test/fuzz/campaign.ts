/** A fuzzing campaign: damaged messages, checked against our own invariants and against llhttp. */
import { readdirSync, readFileSync } from "node:fs";
import { Method } from "../../src/shared/memory/series-table.ts";
import { difference } from "./compare.ts";
import type { Case, LlhttpPeer } from "./llhttp.ts";
import { mutate, type Random, seededRandom } from "./mutate.ts";
import { passedOn, readRequests, readResponse, type Stream } from "./read-stream.ts";

const MAX_BYTES = 6000;
const MAX_POOL = 4000;
const BATCH = 400;
const RESPONSE_METHODS = [Method.GET, Method.GET, Method.HEAD, Method.POST];

export interface Finding {
  readonly what: string;
  /** The input, as latin1 text. */
  readonly input: string;
  readonly responseTo: number | null;
}

export interface Report {
  executions: number;
  /** Inputs of which at least one message was accepted. */
  accepted: number;
  compared: number;
  readonly findings: Finding[];
}

/** The kept corpus: requests, and responses with the method that they answer. */
export function loadCorpus(): Case[] {
  const folder = (name: string, responseTo: number | null) =>
    readdirSync(`${import.meta.dir}/corpus/${name}`)
      .filter((file) => file.endsWith(".http"))
      .sort()
      .map((file) => ({
        bytes: new Uint8Array(readFileSync(`${import.meta.dir}/corpus/${name}/${file}`)),
        responseTo,
      }));
  return [...folder("requests", null), ...folder("responses", Method.GET)];
}

/**
 * Runs until `goOn` says no, asked once per batch.
 * @param peer compares with llhttp; null checks our invariants alone.
 */
export async function runCampaign(
  seed: number,
  peer: LlhttpPeer | null,
  goOn: (report: Report) => boolean,
): Promise<Report> {
  const random = seededRandom(seed);
  const corpus = loadCorpus();
  const pool = [...corpus];
  const known = new Set<string>();
  const report: Report = { executions: 0, accepted: 0, compared: 0, findings: [] };
  let pending = corpus;
  while (goOn(report)) {
    const accepted: { input: Case; ours: Stream }[] = [];
    for (const input of pending) {
      report.executions++;
      const ours = read(input);
      const broken = brokenInvariant(input, ours, random) ?? changedOnTheWay(input, ours);
      if (broken !== null) report.findings.push(finding(broken, input));
      // An input that behaves in a new way is worth damaging further.
      const signature = signatureOf(ours);
      if (!known.has(signature) && pool.length < MAX_POOL) {
        known.add(signature);
        pool.push(input);
      }
      if (ours.messages.length > 0) accepted.push(asPassedOn(input, ours));
    }
    report.accepted += accepted.length;
    if (peer !== null && accepted.length > 0) {
      const theirs = await peer.read(accepted.map(({ input }) => input));
      for (const [i, { input, ours }] of accepted.entries()) {
        report.compared++;
        const what = difference(ours, theirs[i]);
        if (what !== null) report.findings.push(finding(what, input));
      }
    }
    pending = Array.from({ length: BATCH }, () => nextCase(pool, random));
  }
  return report;
}

/**
 * What is compared with llhttp: requests as they came, responses as the client gets them. Servers may be less strict than
 * it; what we make of their words may not.
 */
function asPassedOn(input: Case, ours: Stream): { input: Case; ours: Stream } {
  const { responseTo } = input;
  if (responseTo === null) return { input, ours };
  const bytes = passedOn(input.bytes, responseTo);
  return { input: { bytes, responseTo }, ours: readResponse(bytes, responseTo) };
}

/** A client must be able to read from what it gets what we read. */
function changedOnTheWay(input: Case, ours: Stream): string | null {
  const { responseTo } = input;
  if (responseTo === null || typeof ours.verdict === "number") return null;
  const theirs = readResponse(passedOn(input.bytes, responseTo), responseTo);
  if (theirs.messages.length !== ours.messages.length) return "the client gets another number of messages";
  for (const [i, { start, body, complete }] of ours.messages.entries()) {
    const got = theirs.messages[i];
    if (got.start !== start || got.body !== body || got.complete !== complete) return "the client gets something else";
  }
  return null;
}

function nextCase(pool: readonly Case[], random: Random): Case {
  const base = pool[random(pool.length)];
  const other = pool[random(pool.length)];
  const responseTo = base.responseTo === null ? null : RESPONSE_METHODS[random(RESPONSE_METHODS.length)];
  return { bytes: mutate(base.bytes, other.bytes, random, MAX_BYTES), responseTo };
}

function read({ bytes, responseTo }: Case): Stream {
  return responseTo === null ? readRequests(bytes) : readResponse(bytes, responseTo);
}

/** A prefix must be read as a prefix of the messages, and refused, if at all, as the whole is. */
function brokenInvariant(input: Case, ours: Stream, random: Random): string | null {
  const end = random(input.bytes.length + 1);
  const early = read({ bytes: input.bytes.slice(0, end), responseTo: input.responseTo });
  if (early.messages.length > ours.messages.length) return `the first ${end} bytes give more messages than all`;
  if (typeof early.verdict === "number" && early.verdict !== ours.verdict) return `the first ${end} bytes are refused`;
  for (const [i, message] of early.messages.entries()) {
    const whole = ours.messages[i];
    const same = message.start === whole.start && message.fields.join("\n") === whole.fields.join("\n");
    if (!same || !whole.body.startsWith(message.body)) return `the first ${end} bytes are read differently`;
    if (message.complete && message.body !== whole.body) return `the first ${end} bytes end a message early`;
  }
  return null;
}

function signatureOf({ messages, verdict }: Stream): string {
  const shapes = messages.map(
    ({ start, fields, keepAlive, body, complete }) =>
      `${start.slice(0, 4)}${fields.length}${keepAlive}${complete}${Math.min(9, body.length)}`,
  );
  return `${verdict}|${shapes.join("|")}`;
}

function finding(what: string, { bytes, responseTo }: Case): Finding {
  return { what, input: Buffer.from(bytes).toString("latin1"), responseTo };
}
