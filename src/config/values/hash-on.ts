/** Reads `HASH_ON`. */
import type { ValueType } from "../setting.ts";
import { valueType } from "./value-types.ts";

/** A field name is a token (RFC 9110 section 5.6.2), and so is a cookie's name (RFC 6265 section 4.1.1). */
const HASH_ON = /^(?:client_ip|(header|cookie):([!#$%&'*+.^_`|~0-9A-Za-z-]+))$/;

/** The value type of `HASH_ON`: what of a request stands for its client. */
export const hashOn: ValueType<string> = valueType("client_ip, header:<name> or cookie:<name>", (text) => {
  const match = HASH_ON.exec(text);
  if (!match) throw new Error("must be client_ip, header:<name> or cookie:<name>, such as header:X-User-Id");
  return match[1] === "header" ? `header:${match[2].toLowerCase()}` : text; // field names ignore case, cookie names do not
});
