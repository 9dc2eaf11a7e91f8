/** The body of `POST /predict`: what it may hold, and what is said about what it may not. */
import { z } from "zod";
import { FEATURE_NAMES } from "../learning/features/feature-names.ts";
import { describeRange, FEATURE, inRange } from "../shared/ranges.ts";

/** Servers of one request at most; many more than the limit on its bytes leaves to most. */
const MAX_SERVERS_PER_REQUEST = 4096;
const MAX_PROBLEMS_SHOWN = 10;

/** Absent and `null` mean unknown: JSON has no NaN, and many programs write `null` for it. */
const feature = z.custom<number>((value) => inRange(value, FEATURE)).nullish();

const body = z.object({
  servers: z
    .array(
      z.object({
        server_id: z.union([z.string(), z.number()]).nullish(),
        weight: feature,
        ...(Object.fromEntries(FEATURE_NAMES.map((name) => [name, feature])) as Record<string, typeof feature>),
      }),
      "must be a list of servers",
    )
    .min(1, "is empty: name at least one server")
    .max(MAX_SERVERS_PER_REQUEST, `has more than ${MAX_SERVERS_PER_REQUEST} entries`),
});

/** Servers to score: their features by name. */
export type Servers = readonly Readonly<Record<string, unknown>>[];

/** A body that cannot be answered. `problems` has one sentence for each place that is wrong, the first ten. */
export class BadBody extends Error {
  override readonly name = "BadBody";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

/** Reads a body. Throws a `BadBody`. */
export function readPredictBody(text: string): Servers {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BadBody([`the body is no JSON: ${(error as Error).message}`]);
  }
  const parsed = body.safeParse(json, { reportInput: true });
  if (parsed.success) return parsed.data.servers;
  const { issues } = parsed.error;
  const problems = issues.slice(0, MAX_PROBLEMS_SHOWN).map(({ path, message, input }) => {
    const where = placeOf(path);
    return `${where === "" ? "the body" : where}: ${sayWrong(path, message, input)}`;
  });
  if (issues.length > problems.length) problems.push(`and ${issues.length - problems.length} more`);
  throw new BadBody(problems);
}

/** Rows for a model: each feature by its name, NaN where it is unknown. */
export function toRows(servers: Servers, featureNames: readonly string[]): Float64Array {
  const rows = new Float64Array(servers.length * featureNames.length);
  let at = 0;
  for (const server of servers) {
    for (const name of featureNames) {
      const value = server[name];
      rows[at++] = typeof value === "number" ? value : Number.NaN;
    }
  }
  return rows;
}

/** `servers[2].cpu_usage` */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function sayWrong(path: readonly PropertyKey[], message: string, input: unknown): string {
  const name = path.at(-1);
  if (path.length === 3) {
    const number = typeof input === "number" ? describeRange(FEATURE) : "a number";
    const right = name === "server_id" ? "a text or a number" : `${number}, or left out`;
    return `is ${describe(input)}: it must be ${right}`;
  }
  if (path.length === 2) return `is ${describe(input)}: it must be an object with the server's features`;
  if (path.length === 0) return `is ${describe(input)}: it must be {"servers": [{"cpu_usage": …}, …]}`;
  return message;
}

function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return `${value}`;
  if (typeof value === "string")
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  return value === null || typeof value === "boolean" ? `${value}` : "an object";
}
