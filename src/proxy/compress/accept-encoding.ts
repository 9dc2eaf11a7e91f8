/** Which content coding a client gets (RFC 9110 section 12.5.3). */
import type { CompressionSettings } from "../../protocol/route.ts";

/** A content coding that we know. */
export type Encoding = CompressionSettings["encodings"][number];

/** Codings that are looked at, and parameters of each: more than anybody sends, and a bound for the work. */
const MOST_CODINGS = 64;
const MOST_PARAMETERS = 4;

/**
 * The coding that the client likes best of those that we have; of several that it likes as much, the first of ours. `null` =
 * none: it takes none of them, likes the content better as it is, or says nothing of codings.
 * @param value of `Accept-Encoding`, all lines of it joined by commas, lower case; `null` = there is none.
 * @param ours the preferred one first.
 */
export function preferredEncoding(value: string | null, ours: readonly Encoding[]): Encoding | null {
  if (value === null) return null;
  const weights = readWeights(value);
  const any = weights.get("*");
  let best: Encoding | null = null;
  // What is not named may always be sent as it is: only a weight that it was given can win over a coding.
  let most = weights.get("identity") ?? 0;
  let taken = false;
  for (const encoding of ours) {
    const weight = weights.get(encoding) ?? any ?? 0;
    if (weight <= 0 || weight < most || (taken && weight === most)) continue;
    best = encoding;
    most = weight;
    taken = true;
  }
  return best;
}

/** Weights in thousandths by coding; `x-gzip` is `gzip` (RFC 9110 section 8.4.1.3). */
function readWeights(value: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const part of value.split(",", MOST_CODINGS)) {
    const [name, ...parameters] = part.split(";", MOST_PARAMETERS);
    const coding = name.trim();
    if (coding === "") continue;
    weights.set(coding === "x-gzip" ? "gzip" : coding, weightOf(parameters));
  }
  return weights;
}

/** A weight that is none counts as "not wanted": who sends one gets the content as it is. */
function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name, value] = parameter.split("=");
    if (name.trim() !== "q") continue;
    const text = (value ?? "").trim();
    return isWeight(text) ? Math.round(Number(text) * 1000) : 0;
  }
  return 1000;
}

/** RFC 9110 section 12.4.2: 0 to 1, with three digits behind the point at most. */
function isWeight(text: string): boolean {
  if (text.length === 0 || text.length > 5 || (text.length > 1 && text[1] !== ".")) return false;
  const number = Number(text);
  return (text[0] === "0" || text[0] === "1") && number >= 0 && number <= 1;
}
