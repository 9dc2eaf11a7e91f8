/** What a record says of a request, in the words of the API. */
import { STRATEGY_NAMES } from "../../balancing/registry.ts";
import { Failures } from "../../proxy/failure.ts";
import type { KeptAs, RecentRequest } from "../../shared/explanation/recent.ts";
import { failureCode } from "../../shared/failure-codes.ts";
import type { PublishedClass } from "../../shared/memory/class-table.ts";
import {
  ExplainAttemptFlag,
  ExplainAttemptWord,
  ExplainCandidateWord,
  ExplainFlag,
  ExplainWord,
} from "../../shared/memory/layout/explain.ts";
import { DetailReason } from "../../shared/memory/layout/history.ts";
import type { Row } from "../../shared/memory/ring.ts";
import { METHODS } from "../../shared/memory/series-table.ts";
import type { ExplainNames } from "./names.ts";
import { howChosen } from "./words.ts";

/** A record where it lies: its row, its first word, and whose it is. */
export interface FoundRecord {
  readonly row: Row;
  readonly at: number;
  readonly worker: number;
}

/** What numbers mean. */
export interface Meanings {
  readonly names: ExplainNames;
  /** Classes of requests to a pool that are told apart now; none = it does not tell them apart. */
  readonly classes: (pool: string) => readonly PublishedClass[];
  /** The limit that is learned of a server now, and by how many instances it was; `null` = there is none. */
  readonly limitOf: (id: number) => { readonly limit: number; readonly sources: number } | null;
  /** Added to the boot clock it gives milliseconds since the epoch. */
  readonly wallOffsetMs: number;
}

/** Who forwards, as `Proxy-Status` names it. */
const PROXY_NAME = "neurabalancer";
const KEPT_AS: Readonly<Record<number, KeptAs>> = {
  [DetailReason.SAMPLE]: "usual",
  [DetailReason.SLOW]: "slow",
  [DetailReason.FAILED]: "failed",
};
const FAILURES = new Map(Object.values(Failures).map((failure) => [failure.code, failure]));
/** Of what the parsers refuse. */
const PARSER_ERROR = "http_request_error";

/** When it began, milliseconds of the boot clock. */
export function beganMs({ row, at }: FoundRecord): number {
  return row.figures[(at + ExplainWord.BEGAN) >> 1];
}

/** When it was over. */
export function endedMs(record: FoundRecord): number {
  return beganMs(record) + record.row.floats[record.at + ExplainWord.DURATION];
}

/** A `DetailReason`. */
export function reasonOf({ row, at }: FoundRecord): number {
  return (row.words[at + ExplainWord.LENGTH] >>> 28) & 3;
}

/** How many requests it stands for. */
export function standsFor({ row, at }: FoundRecord): number {
  return 2 ** ((row.words[at + ExplainWord.TEXTS] >>> 24) & 0xff);
}

/** Where its attempts begin, in order. */
export function attemptPlaces({ row, at }: FoundRecord): number[] {
  const { words } = row;
  const texts = words[at + ExplainWord.TEXTS];
  const bytes = (texts & 0xff) + ((texts >>> 8) & 0xff) + ((texts >>> 16) & 0xff);
  const places: number[] = [];
  let place = at + ExplainWord.BODY + ((bytes + 3) >> 2);
  for (let left = (words[at + ExplainWord.LENGTH] >>> 16) & 0xf; left > 0; left--) {
    places.push(place);
    place += attemptLength(words, place);
  }
  return places;
}

/** The code of what went wrong; `null` = nothing. A 5xx that is the server's own has one, too. */
export function failureOf({ row, at }: FoundRecord): string | null {
  const code = failureCode((row.words[at + ExplainWord.METHOD] >>> 8) & 0xff);
  if (code !== "") return code;
  return row.words[at + ExplainWord.ROUTE] >>> 16 >= 500 ? "server_error" : null;
}

/** What went wrong, in a sentence. */
export function failureMessage(code: string, status: number): string {
  if (code === "server_error") return `the server's response was ${status}`;
  return FAILURES.get(code)?.message ?? `what came breaks a rule of HTTP: ${code.replaceAll("_", " ")}`;
}

/** Field `Proxy-Status` that a failure of ours is told by. */
export function proxyStatusOf(code: string): string {
  return `${PROXY_NAME}; error=${FAILURES.get(code)?.proxyError ?? PARSER_ERROR}; details="${code}"`;
}

/** The attempt that the request's line would name: whose response was the client's, else the last. */
export function decisiveAttempt(record: FoundRecord): number | undefined {
  const places = attemptPlaces(record);
  const responded = ExplainAttemptFlag.RESPONDED << 28;
  return (
    places.find((place) => (record.row.words[place + ExplainAttemptWord.SERVER] & responded) !== 0) ?? places.at(-1)
  );
}

/** All of it but its attempts. */
export function describeRequest(record: FoundRecord, { names, wallOffsetMs }: Meanings): RecentRequest {
  const { row, at, worker } = record;
  const { words, floats } = row;
  const method = words[at + ExplainWord.METHOD];
  const began = beganMs(record);
  const flags = (words[at + ExplainWord.LENGTH] >>> 20) & 0xff;
  const failure = failureOf(record);
  const texts = textsOf(record);
  const told = failure !== null && (flags & ExplainFlag.TOLD) !== 0;
  const attempt = decisiveAttempt(record);
  const server = attempt === undefined ? 0 : words[attempt + ExplainAttemptWord.SERVER] & 0xff_ffff;
  return {
    request_id: (flags & ExplainFlag.OWN_ID) !== 0 ? hexId(record) : texts.id,
    began_at: new Date(began + wallOffsetMs).toISOString(),
    duration_ms: rounded(floats[at + ExplainWord.DURATION]),
    waited_ms: rounded(floats[at + ExplainWord.WAIT]),
    worker,
    route: names.route(words[at + ExplainWord.ROUTE] & 0xffff, began),
    pool: names.pool((method >>> 16) & 0xff, began),
    method: METHODS[method & 0xff] ?? METHODS[0],
    path: texts.path,
    client: texts.client === "" ? null : texts.client,
    status: words[at + ExplainWord.ROUTE] >>> 16,
    failure,
    proxy_status: told ? proxyStatusOf(failure) : null,
    kept_as: KEPT_AS[reasonOf(record)] ?? "usual",
    server: server === 0 ? null : (names.server(server)?.url ?? null),
    server_id: server === 0 ? null : (names.server(server)?.id ?? server),
    ...choiceOf(words, attempt),
    attempt_count: (method >>> 24) & 0xff,
    stands_for: standsFor(record),
  };
}

function choiceOf(words: Int32Array, attempt: number | undefined): Pick<RecentRequest, "strategy" | "choice"> {
  if (attempt === undefined) return { strategy: null, choice: null };
  const how = words[attempt + ExplainAttemptWord.CHOICE];
  const arms = words[attempt + ExplainAttemptWord.COUNTS] >>> 20;
  const { word } = howChosen((how >>> 5) & 0x1f, (arms & 0xf) - 1, (arms >>> 4) & 0xf);
  return { strategy: STRATEGY_NAMES[how & 0x1f] ?? null, choice: word };
}

/** Hexadecimal digits of an id of ours. */
function hexId({ row, at }: FoundRecord): string {
  const from = row.words.byteOffset + (at + ExplainWord.ID) * 4;
  return Buffer.from(row.words.buffer, from, 16).toString("hex");
}

function textsOf({ row, at }: FoundRecord): { path: string; id: string; client: string } {
  const lengths = row.words[at + ExplainWord.TEXTS];
  const [path, id, client] = [lengths & 0xff, (lengths >>> 8) & 0xff, (lengths >>> 16) & 0xff];
  const bytes = Buffer.from(row.words.buffer, row.words.byteOffset + (at + ExplainWord.BODY) * 4, path + id + client);
  return {
    path: bytes.toString("utf8", 0, path),
    id: bytes.toString("latin1", path, path + id),
    client: bytes.toString("latin1", path + id),
  };
}

/** To a thousandth. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Words that the attempt at `place` has. */
function attemptLength(words: Int32Array, place: number): number {
  const how = words[place + ExplainAttemptWord.CHOICE];
  const kept = (how >>> 15) & 0xf;
  return ExplainAttemptWord.CANDIDATES + kept * ExplainCandidateWord.LENGTH + ((how >>> 19) & 7) + ((how >>> 22) & 0xf);
}
