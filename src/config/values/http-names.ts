/** Value types for what routes match and write: hosts, paths, methods, fields of headers, media types. */
import { normalPath } from "../../proxy/path/normal-path.ts";
import type { ValueType } from "../setting.ts";
import { isHostName, isIpv4, isIpv6 } from "./addresses.ts";
import { TOKEN, valueType } from "./value-types.ts";

/** A host of a route: a name, a name after `*.`, or an address. Lower case, without a port. */
export const routeHost: ValueType<string> = valueType("host name, *.name, or address", (text) => {
  if (text === "*" || text === "_") throw new Error("must be a host: a route for all hosts has none");
  if (/[^\x20-\x7e]/.test(text)) throw new Error("must be ASCII: write the name as clients send it (xn--…)");
  if (/:\d+$/.test(text) && !isIpv6(text)) throw new Error("must have no port: routes fit every port");
  const bare = text.replace(/\.$/, "").toLowerCase();
  const isAddress = isIpv4(bare) || (bare.startsWith("[") && bare.endsWith("]") && isIpv6(bare.slice(1, -1)));
  if (isAddress || isHostName(bare.replace(/^\*\./, ""))) return bare;
  throw new Error(
    'must be a host such as shop.example, *.shop.example or [2001:db8::1] (no "https://", no path, no regular expression)',
  );
});

/** A host to write into a response or request: a name or an address, without a port. */
export const plainHost: ValueType<string> = valueType("host name or address", (text) => {
  const host = text.toLowerCase();
  const isAddress = isIpv4(host) || (host.startsWith("[") && host.endsWith("]") && isIpv6(host.slice(1, -1)));
  if (isAddress || isHostName(host)) return host;
  throw new Error('must be a host such as shop.example (no port, no "https://")');
});

const PATH_START = 'must begin with "/", and is no regular expression: /api fits what is below it as well';

function readPath(text: string): string {
  if (!text.startsWith("/")) {
    throw new Error(/^[\w.-]+(\/[\w.-]*)*$/.test(text) ? `must begin with "/": write /${text}` : PATH_START);
  }
  if (text.includes("?")) throw new Error("must be a path alone: routes do not look at the query");
  if (!/^[\x21-\x7e]*$/.test(text) || /["#<>\\^`{|}]/.test(text)) {
    throw new Error(
      "must be a path as clients send it: what is no letter, digit or one of -._~!$&'()*+,;=:@/ as %XX (there are no regular expressions and no {parameters} in paths)",
    );
  }
  if (/%(?![0-9a-f]{2})/i.test(text)) throw new Error('has a "%" without two hexadecimal digits: write %25');
  const normal = normalPath(text);
  if (normal !== text) throw new Error(`is not in normal form, so nothing would match it: write ${normal}`);
  return text;
}

/** Where a path begins; a slash at its end means nothing. */
export const pathPrefix: ValueType<string> = valueType("path", (text) => {
  const path = readPath(text);
  if (path.endsWith("/*"))
    throw new Error(`has a "*": write ${path.slice(0, -2) || "/"}, what is below it fits as well`);
  return path.length > 1 ? path.replace(/\/$/, "") : path;
});

/** One whole path. */
export const exactPath: ValueType<string> = valueType("path", readPath);

/** A method; those that are known are written in capitals (RFC 9110 section 9.1: they are case-sensitive). */
export const methodName: ValueType<string> = valueType("method", (text) => {
  if (!TOKEN.test(text)) throw new Error("must be a method, such as GET");
  if (/^(\*|any|all)$/i.test(text)) throw new Error("must be a method: a route for all methods has none");
  if (/^(get|head|post|put|delete|options|patch|trace|connect)$/i.test(text) && text !== text.toUpperCase()) {
    throw new Error(`must be written as clients send it: ${text.toUpperCase()}`);
  }
  return text;
});

/** The name of a field, lower case. */
export const fieldName: ValueType<string> = valueType("field name", (text) => {
  if (!TOKEN.test(text)) throw new Error("is no name of a header field: letters, digits and - make one");
  return text.toLowerCase();
});

/** The value of a field (RFC 9110 section 5.5, without what is obsolete there). */
export const fieldValue: ValueType<string> = valueType("text", (text) => {
  if (!/^[\x20-\x7e\t]*$/.test(text)) throw new Error("must be one line of ASCII without control characters");
  if (text.length > 4096) throw new Error("must have at most 4096 characters");
  return text;
});

const REDIRECTS = [301, 302, 303, 307, 308] as const;

/** A status that sends clients elsewhere (RFC 9110 section 15.4). */
export const redirectStatus: ValueType<(typeof REDIRECTS)[number]> = valueType(
  REDIRECTS.join(", "),
  (text) => {
    const status = REDIRECTS.find((one) => String(one) === text);
    if (status === undefined) throw new Error(`must be one of: ${REDIRECTS.join(", ")}`);
    return status;
  },
  { kind: "integer", min: REDIRECTS[0], max: 308 },
);

/** A media type with its parameters. */
export const mediaType: ValueType<string> = valueType("media type", (text) => {
  if (!/^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w.+-]+=("[\x20-\x21\x23-\x7e]*"|[\w.+-]+))*$/.test(text)) {
    throw new Error("must be a media type, such as text/html; charset=utf-8");
  }
  return text;
});

/** A media type without parameters, or all of a kind: `text/*`. */
export const mediaRange: ValueType<string> = valueType("media type, or type/*", (text) => {
  if (!/^[\w.+-]+\/([\w.+-]+|\*)$/.test(text))
    throw new Error("must be a media type, such as application/json or text/*");
  return text.toLowerCase();
});
