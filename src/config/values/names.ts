/** Value types for names that the operator gives. */
import type { ValueType } from "../setting.ts";
import { valueType } from "./value-types.ts";

/** A pool or a route: fits into metrics, logs and paths of the file as it is. */
export const shortName: ValueType<string> = valueType("name", (name) => {
  if (!/^[a-z0-9][a-z0-9_.-]{0,62}$/.test(name)) {
    throw new Error(
      'is no name: it begins with a small letter or a digit, and has small letters, digits, "_", "." and "-", 63 characters at most',
    );
  }
  return name;
});
