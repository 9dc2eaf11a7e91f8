/** Lists of clients that listeners and routes have of their own. */
import type { AccessLists } from "../../shared/addresses/client-access.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import { field, oneOrMore, type ReadOf, struct } from "../shapes/shape.ts";
import { cidr } from "../values/addresses.ts";

/** What the file says of them. */
export const ACCESS_LISTS = struct({
  allow: field("Addresses and CIDR ranges; nobody else is served. Not there means everybody.", oneOrMore(cidr), ""),
  deny: field("Addresses and CIDR ranges of those who are not, also where `allow` has them.", oneOrMore(cidr), ""),
});

/** As they were read. */
export type AccessListsBlock = ReadOf<typeof ACCESS_LISTS>;

/** The lists; that one says nothing is told. */
export function readAccessLists(block: AccessListsBlock, findings: ShapeFindings): AccessLists {
  const { allow, deny } = block.fields;
  if (!block.said.has("allow") && !block.said.has("deny"))
    findings.problem(block, "says nothing: write allow: or deny: with addresses and CIDR ranges");
  if (allow?.written === 0) findings.problem(allow, "is empty, so nobody would be served: remove it, or write who is");
  const values = (list: typeof allow) => (list?.entries ?? []).map(({ value }) => value);
  return { allow: allow === undefined ? null : values(allow), deny: values(deny) };
}
