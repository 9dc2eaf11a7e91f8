/** The kinds of values that settings have. Each message completes the sentence "NAME=value: …". */
import { z } from "zod";
import type { ValueForm, ValueType } from "../setting.ts";
import { parseDuration, parseSize, type Quantity } from "./units.ts";

/**
 * Makes a value type from a function that returns the value or throws an `Error` with the complaint.
 * @param form how a file writes such a value.
 */
export function valueType<T>(
  describe: string,
  parse: (text: string) => T,
  form: ValueForm = { kind: "text" },
): ValueType<T> {
  const schema = z.string().transform((text, context) => {
    try {
      return parse(text.trim());
    } catch (error) {
      const complaints = error instanceof Complaints ? error.all : [(error as Error).message];
      for (const message of complaints) context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
  });
  return { describe, form, schema: schema as unknown as z.ZodType<T, string> };
}

/** A token: names of fields, methods and cookies are (RFC 9110 section 5.6.2, RFC 6265 section 4.1.1). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Several complaints about one value. */
export class Complaints extends Error {
  readonly all: readonly string[];

  constructor(all: readonly string[]) {
    super(all.join("; "));
    this.all = all;
  }
}

/** How units are written, as the end of a complaint. */
const A_DURATION = ", or with units: 250ms, 5s, 1m30s, 2h, 1d";
const A_SIZE = ", or with a unit: 64KiB, 10MiB (powers of 1024), 64kB, 10MB (of 1000)";

/** @param more what could be written beside such a number. */
function parseNumber(text: string, pattern: RegExp, min: number, max: number, kind: string, more = ""): number {
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new Error(`must be ${kind} from ${min} to ${max}${more}`);
  return value;
}

/** A whole number in decimal digits. */
export function integer(min: number, max: number): ValueType<number> {
  const parse = (text: string) => parseNumber(text, /^\d+$/, min, max, "a whole number");
  return valueType(`integer ${min} … ${max}`, parse, { kind: "integer", min, max });
}

/** A decimal number. */
export function decimal(min: number, max: number): ValueType<number> {
  const parse = (text: string) => parseNumber(text, /^\d+(\.\d+)?$/, min, max, "a number");
  return valueType(`number ${min} … ${max}`, parse, { kind: "number", min, max });
}

/** A TCP port. */
export function port(min: 0 | 1): ValueType<number> {
  const parse = (text: string) => {
    if (/^(tcp|udp):\/\//.test(text)) {
      throw new Error(
        "is an address that Kubernetes injects for a service of that name: rename the service or set enableServiceLinks: false in the pod",
      );
    }
    return parseNumber(text, /^\d+$/, min, 65535, "a port: a whole number");
  };
  return valueType(`port ${min} … 65535`, parse, { kind: "integer", min, max: 65535 });
}

/** A TCP port that may be switched off: `null` = off, 0 = any free one. */
export const portOrOff: ValueType<number | null> = valueType("port 1 … 65535, 0 or off, or auto", (text) => {
  const word = text.toLowerCase();
  if (word === "off" || word === "0") return null;
  if (word === "auto") return 0;
  return parseNumber(text, /^\d+$/, 1, 65535, "0 or off for none, auto for any free one, or a port: a whole number");
});

/** A duration written in seconds (decimals allowed) or with units; the value is in milliseconds. */
export function seconds(min: number, max: number): ValueType<number> {
  return duration(`seconds ${min} … ${max}`, 1000, min, max, (text) => {
    const value = parseNumber(text, /^\d+(\.\d+)?$/, min, max, "seconds: a number", A_DURATION);
    const ms = Math.round(value * 1000);
    if (ms === 0 && value > 0) throw new Error("must be 0 or at least 0.001 seconds"); // 0 has a meaning of its own
    return ms;
  });
}

/** A duration written in whole minutes or with units; the value is in milliseconds. */
export function minutes(min: number, max: number): ValueType<number> {
  return wholeUnits("minutes", 60_000, min, max);
}

/** As `minutes`, in hours. */
export function hours(min: number, max: number): ValueType<number> {
  return wholeUnits("hours", 3_600_000, min, max);
}

/** As `minutes`, in days. */
export function days(min: number, max: number): ValueType<number> {
  return wholeUnits("days", 86_400_000, min, max);
}

function wholeUnits(name: string, unitMs: number, min: number, max: number): ValueType<number> {
  return duration(
    `${name} ${min} … ${max}`,
    unitMs,
    min,
    max,
    (text) => parseNumber(text, /^\d+$/, min, max, `${name}: a whole number`, A_DURATION) * unitMs,
  );
}

/** A duration written in whole milliseconds or with units. */
export function milliseconds(min: number, max: number): ValueType<number> {
  return duration(`milliseconds ${min} … ${max}`, 1, min, max, (text) =>
    parseNumber(text, /^\d+$/, min, max, "milliseconds: a whole number", A_DURATION),
  );
}

/** @param bareUnit of numbers without a unit, and of `min` and `max`. */
function duration(
  describe: string,
  bareUnit: number,
  min: number,
  max: number,
  parseBare: (text: string) => number,
): ValueType<number> {
  const form = { kind: "duration", bareUnit, min: min * bareUnit, max: max * bareUnit } as const;
  const parse = (text: string) => {
    const written = parseDuration(text);
    return written === null ? parseBare(text) : inRange(written, form, "milliseconds");
  };
  return valueType(describe, parse, form);
}

/** A size written in whole bytes or mebibytes or with a unit; the value is in bytes. */
export function size(min: number, max: number, per: "byte" | "mebibyte" = "byte"): ValueType<number> {
  const bareUnit = per === "byte" ? 1 : 2 ** 20;
  const form = { kind: "size", bareUnit, min: min * bareUnit, max: max * bareUnit } as const;
  const parse = (text: string) => {
    const written = parseSize(text);
    if (written !== null) return inRange(written, form, "bytes");
    return parseNumber(text, /^\d+$/, min, max, "a whole number", A_SIZE) * bareUnit;
  };
  const name = per === "byte" ? "bytes" : "megabytes";
  return valueType(`${name} ${min} … ${max}`, parse, form);
}

type Range = { readonly min: number; readonly max: number };

/** Speaks of the bounds in the unit that was written. */
function inRange({ amount, say }: Quantity, { min, max }: Range, smallest: string): number {
  if (amount < min || amount > max) throw new Error(`must be from ${say(min)} to ${say(max)}`);
  if (!Number.isInteger(amount)) throw new Error(`must be a whole number of ${smallest}`);
  return amount;
}

const TRUE = new Set(["true", "on", "yes", "1"]);
const FALSE = new Set(["false", "off", "no", "0"]);

/** A switch: true/on/yes/1 or false/off/no/0. */
export const toggle: ValueType<boolean> = valueType(
  "true/on or false/off",
  (text) => {
    const word = text.toLowerCase();
    if (TRUE.has(word)) return true;
    if (FALSE.has(word)) return false;
    throw new Error("must be true or false (on/off, yes/no and 1/0 are understood as well)");
  },
  { kind: "switch" },
);

/** One of a few words. */
export function oneOf<const T extends string>(words: readonly T[]): ValueType<T> {
  const parse = (text: string) => {
    const word = words.find((candidate) => candidate === text.toLowerCase());
    if (word === undefined) throw new Error(`must be one of: ${words.join(", ")}`);
    return word;
  };
  return valueType(words.join(", "), parse, { kind: "words", words });
}

/** A name or a label: any text of one line. */
export const text: ValueType<string> = valueType("text", (value) => {
  if (/\p{Cc}/u.test(value)) throw new Error("must be one line without control characters");
  return value;
});

const MAX_TEXT = 64 * 1024;

/** Text as it stands, with its lines and blanks. */
export const wholeText: ValueType<string> = {
  describe: "text",
  form: { kind: "text" },
  schema: z.string().max(MAX_TEXT, `must have at most ${MAX_TEXT} characters: name a file instead`),
};

/** A name in HTTP: a token (RFC 9110 section 5.6.2). */
export const tokenText: ValueType<string> = valueType("name", (value) => {
  if (!TOKEN.test(value)) throw new Error("must be a name: letters, digits and !#$%&'*+-.^_`|~");
  return value;
});

/** A path of a file or directory. */
export const path: ValueType<string> = valueType("path", (value) => {
  if (value.includes("\0")) throw new Error("must be a path: it has a zero byte in it");
  return value;
});

/** Comma-separated paths. */
export const pathList: ValueType<readonly string[]> = valueType(
  "paths, comma-separated",
  (value) => {
    const paths = value.split(",").map((entry) => entry.trim());
    const empty = paths.indexOf("");
    if (empty >= 0) throw new Error(`entry ${empty + 1} is empty: remove the extra comma`);
    const damaged = paths.findIndex((entry) => entry.includes("\0"));
    if (damaged >= 0) throw new Error(`entry ${damaged + 1} must be a path: it has a zero byte in it`);
    return paths;
  },
  { kind: "list" },
);

/** The path of a URL, as it goes on the wire (RFC 9112 section 3.2.1: origin-form). */
export const urlPath: ValueType<string> = valueType("path of a URL", (value) => {
  if (!/^\/[\x21\x22\x24-\x7e]*$/.test(value)) {
    throw new Error('must be a path that begins with "/", without spaces, "#" or characters beyond ASCII');
  }
  return value;
});

/** A secret that goes into an `Authorization: Bearer` field (RFC 6750 section 2.1). */
export const bearerToken: ValueType<string> = valueType("token of 16 characters or more", (value) => {
  if (!/^[\w.~+/-]{16,}=*$/.test(value)) {
    throw new Error(
      "must have 16 characters or more: letters, digits and - . _ ~ + / (openssl rand -hex 32 makes one)",
    );
  }
  return value;
});
