/** Who may see something: everyone, nobody, or the clients of some addresses. */
import { cidrList } from "./addresses.ts";
import { valueType } from "./value-types.ts";

/** `null` = everyone; empty = nobody; else addresses and CIDR ranges. */
export const viewers = valueType<readonly string[] | null>(
  "everyone, nobody, or addresses and CIDR ranges, comma-separated",
  (text) => {
    const word = text.toLowerCase();
    if (word === "everyone") return null;
    if (word === "nobody") return [];
    const ranges = cidrList.schema.safeParse(text);
    if (ranges.success) return ranges.data;
    throw new Error(`must be everyone, nobody, or ranges: ${ranges.error.issues[0].message}`);
  },
  { kind: "list" },
);
