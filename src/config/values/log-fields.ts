/** Which fields lines of the access log have, as an operator writes it: `default,-user_agent`, `ts,path,status`, `all`. */
import {
  ACCESS_LOG_FIELD_NAMES,
  type AccessLogField,
  DEFAULT_ACCESS_LOG_FIELDS,
} from "../../shared/access-log-fields.ts";
import type { ValueType } from "../setting.ts";
import { nearest } from "../suggest.ts";
import { valueType } from "./value-types.ts";

const GROUPS: Readonly<Record<string, readonly AccessLogField[]>> = {
  all: ACCESS_LOG_FIELD_NAMES,
  default: DEFAULT_ACCESS_LOG_FIELDS,
};
const WORDS = [...Object.keys(GROUPS), ...ACCESS_LOG_FIELD_NAMES];

/** Names, `default` and `all`, and what begins with `-` is left out; where nothing else is named, of the default ones. */
export const logFields: ValueType<readonly AccessLogField[]> = valueType(
  "names, comma-separated",
  (text) => {
    const entries = text.split(",").map((entry) => entry.trim().toLowerCase());
    const empty = entries.indexOf("");
    if (empty >= 0) throw new Error(`entry ${empty + 1} is empty: remove the extra comma`);
    const chosen = new Set<AccessLogField>(entries.every((entry) => entry.startsWith("-")) ? GROUPS.default : []);
    for (const entry of entries) {
      const leaves = entry.startsWith("-");
      for (const field of fieldsOf(leaves ? entry.slice(1).trim() : entry)) {
        if (leaves) chosen.delete(field);
        else chosen.add(field);
      }
    }
    if (chosen.size === 0) throw new Error("leaves no field: ACCESS_LOG=off writes no lines");
    return Object.freeze(ACCESS_LOG_FIELD_NAMES.filter((name) => chosen.has(name)));
  },
  { kind: "list" },
);

function fieldsOf(word: string): readonly AccessLogField[] {
  const group = Object.hasOwn(GROUPS, word) ? GROUPS[word] : null;
  if (group !== null) return group;
  const field = ACCESS_LOG_FIELD_NAMES.find((name) => name === word);
  if (field !== undefined) return [field];
  const meant = nearest(word, WORDS);
  const hint = meant === null ? "" : ` (did you mean ${meant}?)`;
  throw new Error(`there is no field ${JSON.stringify(word)}${hint}; there are ${WORDS.join(", ")}`);
}
