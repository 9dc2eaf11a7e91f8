/** Which format a scraper gets, and whether compressed (RFC 9110 sections 12.5.1 and 12.5.3). Pure: workers ask, too. */

/** The formats, by the words that processes call them by. The first is everybody's who does not ask for another. */
export const FORMAT_NAMES = ["text", "openmetrics", "protobuf"] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** What responses in a format are labelled as; as `Accept`, it asks for that format. */
export const CONTENT_TYPES: Readonly<Record<FormatName, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  protobuf: "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
};

/** What is looked at: more than any scraper sends, and a bound for the work. */
const MOST_RANGES = 32;
const MOST_PARAMETERS = 8;
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** One element of `Accept` or `Accept-Encoding`, lower case. */
interface Wish {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** 0 … 1; a weight that is none counts as "not wanted". */
  readonly weight: number;
}

/** How a format is asked for. */
interface Media {
  readonly type: string;
  /** What a parameter must say where it is given. Others (`charset`, `escaping`: our names need none) change nothing. */
  readonly parameters: Readonly<Record<string, string>>;
  /** They must be given: without them another encoding may be meant. */
  readonly required: boolean;
}

const MEDIA: Readonly<Record<FormatName, Media>> = {
  text: { type: "text/plain", parameters: { version: "0.0.4" }, required: false },
  openmetrics: { type: "application/openmetrics-text", parameters: { version: "1.0.0" }, required: false },
  protobuf: {
    type: "application/vnd.google.protobuf",
    parameters: { proto: "io.prometheus.client.metricfamily", encoding: "delimited" },
    required: true,
  },
};

/**
 * The format that the client likes best; of several that it likes as much, the one that it names most precisely, then the one
 * that it names first. Text where it wants none of them: a person may read that.
 * @param accept all lines of `Accept`, joined by commas; null = there is none.
 */
export function preferredFormat(accept: string | null): FormatName {
  const wishes = readWishes(accept);
  let best: FormatName = "text";
  let most = [0, -1, 0];
  for (const name of FORMAT_NAMES) {
    const rank = rankOf(MEDIA[name], wishes);
    if (rank[0] > 0 && isHigher(rank, most)) {
      best = name;
      most = rank;
    }
  }
  return best;
}

/** Whether the client takes gzip, and does not like better what is not compressed. */
export function prefersGzip(acceptEncoding: string | null): boolean {
  const wishes = readWishes(acceptEncoding);
  const weightOf = (...names: string[]): number | undefined => wishes.find(({ name }) => names.includes(name))?.weight;
  const gzip = weightOf("gzip", "x-gzip") ?? weightOf("*") ?? 0;
  return gzip > 0 && gzip >= (weightOf("identity") ?? 0);
}

/** Weight, precision and place of the wish that says most precisely what becomes of a format. */
function rankOf(media: Media, wishes: readonly Wish[]): number[] {
  let rank = [0, -1, 0];
  for (const [at, wish] of wishes.entries()) {
    const precision = precisionOf(media, wish);
    if (precision > rank[1]) rank = [wish.weight, precision, -at];
  }
  return rank;
}

function isHigher(rank: readonly number[], than: readonly number[]): boolean {
  const at = rank.findIndex((each, i) => each !== than[i]);
  return at >= 0 && rank[at] > than[at];
}

/** -1 = something else is meant. */
function precisionOf({ type, parameters, required }: Media, wish: Wish): number {
  if (wish.name === "*/*") return 0;
  if (wish.name === `${type.slice(0, type.indexOf("/"))}/*`) return 1;
  if (wish.name !== type) return -1;
  let precision = 2;
  for (const [name, value] of Object.entries(parameters)) {
    const given = wish.parameters.get(name);
    if (given === undefined ? required : given !== value) return -1;
    if (given !== undefined) precision++;
  }
  return precision;
}

function readWishes(list: string | null): Wish[] {
  const wishes: Wish[] = [];
  for (const element of (list ?? "").toLowerCase().split(",", MOST_RANGES)) {
    const [name, ...rest] = element.split(";", MOST_PARAMETERS).map((part) => part.trim());
    if (name === "") continue;
    const parameters = new Map<string, string>();
    for (const parameter of rest) {
      const equals = parameter.indexOf("=");
      if (equals > 0) parameters.set(parameter.slice(0, equals).trim(), unquoted(parameter.slice(equals + 1).trim()));
    }
    const q = parameters.get("q");
    wishes.push({ name, parameters, weight: q === undefined ? 1 : WEIGHT.test(q) ? Number(q) : 0 });
  }
  return wishes;
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
