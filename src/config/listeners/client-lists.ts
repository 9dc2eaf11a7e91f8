/** Files with ranges of clients' addresses. */
import type { AccessLists } from "../../shared/addresses/client-access.ts";
import { SECTIONS, type Sections } from "../schema.ts";
import { readText } from "../sources/text.ts";
import { parseRange } from "../values/addresses.ts";

/** Room for the largest lists that are published, bytes. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Each takes 40 bytes of a worker at most. */
const MAX_RANGES = 200_000;
/** Lines that are complained of one by one. */
const MAX_COMPLAINTS = 5;

/** The lists of the whole instance, with what its files say; problems of these are told. */
export function readClientLists(
  { allow, deny, allowFile, denyFile }: Sections["clients"],
  findings: { readonly problem: (sentence: string) => void },
): AccessLists {
  const { allowFile: allowing, denyFile: denying } = SECTIONS.clients.settings;
  const allowed = allowFile === null ? null : readRanges(allowing.env, allowFile, findings.problem);
  const denied = denyFile === null ? [] : (readRanges(denying.env, denyFile, findings.problem) ?? []);
  // Who empties the file means that there is nobody any more, or something went wrong as it was written: nobody knows.
  if (allowed?.length === 0)
    findings.problem(
      `${allowing.env}: ${allowFile} has no entry, so nobody would be served: unset it to serve everybody`,
    );
  return {
    allow: allow === null && allowed === null ? null : [...new Set([...(allow ?? []), ...(allowed ?? [])])],
    deny: [...new Set([...(deny ?? []), ...denied])],
  };
}

/** One address or range on each line; `null` after a problem was told. */
function readRanges(env: string, file: string, problem: (sentence: string) => void): string[] | null {
  let text: string;
  try {
    text = readText(file, MAX_BYTES);
  } catch (error) {
    problem(`${env}: ${file}${(error as Error).message}`);
    return null;
  }
  const ranges: string[] = [];
  const wrong: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const entry = line.replace(/#.*/, "").trim();
    if (entry === "") continue;
    const range = parseRange(entry);
    if (range === null)
      wrong.push(`${env}: ${file}:${index + 1}: must be an address or a CIDR range, such as 10.0.0.0/8`);
    else ranges.push(range);
  }
  for (const sentence of wrong.slice(0, MAX_COMPLAINTS)) problem(sentence);
  if (wrong.length > MAX_COMPLAINTS)
    problem(`${env}: ${file} has ${wrong.length - MAX_COMPLAINTS} more lines like that`);
  if (ranges.length > MAX_RANGES) problem(`${env}: ${file} has ${ranges.length} entries: the most is ${MAX_RANGES}`);
  return wrong.length > 0 || ranges.length > MAX_RANGES ? null : ranges;
}
