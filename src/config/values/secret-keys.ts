/** Reads keys that sign: a list of secrets. */
import type { ValueType } from "../setting.ts";
import { Complaints, valueType } from "./value-types.ts";

const LEAST_BYTES = 16;
const MOST_KEYS = 8;

/** Comma-separated keys. Nothing of them is repeated in a complaint. */
export const secretKeys: ValueType<readonly string[]> = valueType(
  "keys of 16 bytes or more, comma-separated",
  (text) => {
    const keys = text.split(",").map((entry) => entry.trim());
    const complaints: string[] = [];
    for (const [index, key] of keys.entries()) {
      const first = keys.indexOf(key);
      if (key === "") complaints.push(`entry ${index + 1} is empty: remove the extra comma`);
      else if (Buffer.byteLength(key) < LEAST_BYTES)
        complaints.push(
          `entry ${index + 1} must have ${LEAST_BYTES} bytes or more: a password is not one, openssl rand -hex 32 makes one`,
        );
      else if (first < index) complaints.push(`entry ${index + 1} repeats entry ${first + 1}: name each key once`);
    }
    if (keys.length > MOST_KEYS) complaints.push(`has ${keys.length} keys; the most is ${MOST_KEYS}`);
    if (complaints.length > 0) throw new Complaints(complaints);
    return keys;
  },
  { kind: "list" },
);
