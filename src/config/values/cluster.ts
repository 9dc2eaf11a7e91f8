/** Value types of what a cluster is called, and of what its instances share. */
import type { ValueType } from "../setting.ts";
import { nearest } from "../suggest.ts";
import { valueType } from "./value-types.ts";

/** What instances may share. */
export const CLUSTER_SHARES = ["in_flight", "health", "learned", "model", "changes"] as const;
export type ClusterShare = (typeof CLUSTER_SHARES)[number];

/** Nothing of that. */
const NONE = "none";

/** Part of the names of keys in Redis, between braces. */
export const clusterName: ValueType<string> = valueType("name", (name) => {
  if (!/^[a-z0-9_.-]{1,64}$/.test(name)) {
    throw new Error('is no name: it has small letters, digits, "_", "." and "-", 1 to 64 of them');
  }
  return name;
});

/** Some of `CLUSTER_SHARES`, or `none`. */
export const clusterShare: ValueType<readonly ClusterShare[]> = valueType(
  `${CLUSTER_SHARES.join(", ")}, comma-separated, or ${NONE}`,
  (text) => {
    const words = text.split(",").map((word) => word.trim().toLowerCase());
    if (words.length === 1 && words[0] === NONE) return Object.freeze([]);
    const chosen = new Set(words.map(shareOf));
    return Object.freeze(CLUSTER_SHARES.filter((share) => chosen.has(share)));
  },
  { kind: "list" },
);

function shareOf(word: string, index: number): ClusterShare {
  if (word === "") throw new Error(`entry ${index + 1} is empty: remove the extra comma`);
  const share = CLUSTER_SHARES.find((candidate) => candidate === word);
  if (share !== undefined) return share;
  if (word === NONE) throw new Error(`${NONE} stands alone: it means that nothing is shared`);
  const meant = nearest(word, CLUSTER_SHARES);
  const hint = meant === null ? "" : ` (did you mean ${meant}?)`;
  throw new Error(`nothing called ${JSON.stringify(word)} is shared${hint}; there are ${CLUSTER_SHARES.join(", ")}`);
}
