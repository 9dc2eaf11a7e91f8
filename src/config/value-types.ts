/** The kinds of values that settings have. Each message completes the sentence "NAME=value: …". */
import { z } from "zod";
import type { ValueType } from "./setting.ts";

/** Makes a value type from a function that returns the value or throws an `Error` with the complaint. */
export function valueType<T>(describe: string, parse: (text: string) => T): ValueType<T> {
  const schema = z.string().transform((text, context) => {
    try {
      return parse(text.trim());
    } catch (error) {
      const complaints = error instanceof Complaints ? error.all : [(error as Error).message];
      for (const message of complaints) context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
  });
  return { describe, schema: schema as unknown as z.ZodType<T, string> };
}

/** Several complaints about one value. */
export class Complaints extends Error {
  readonly all: readonly string[];

  constructor(all: readonly string[]) {
    super(all.join("; "));
    this.all = all;
  }
}

function parseNumber(text: string, pattern: RegExp, min: number, max: number, kind: string): number {
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new Error(`must be ${kind} from ${min} to ${max}`);
  return value;
}

/** A whole number in decimal digits. */
export function integer(min: number, max: number): ValueType<number> {
  return valueType(`integer ${min} … ${max}`, (text) => parseNumber(text, /^\d+$/, min, max, "a whole number"));
}

/** A decimal number. */
export function decimal(min: number, max: number): ValueType<number> {
  return valueType(`number ${min} … ${max}`, (text) => parseNumber(text, /^\d+(\.\d+)?$/, min, max, "a number"));
}

/** A TCP port. */
export function port(min: 0 | 1): ValueType<number> {
  return valueType(`port ${min} … 65535`, (text) => {
    if (/^(tcp|udp):\/\//.test(text)) {
      throw new Error(
        "is an address that Kubernetes injects for a service of that name: rename the service or set enableServiceLinks: false in the pod",
      );
    }
    return parseNumber(text, /^\d+$/, min, 65535, "a port: a whole number");
  });
}

/** A TCP port that may be switched off: `null` = off, 0 = any free one. */
export const portOrOff: ValueType<number | null> = valueType("port 1 … 65535, 0 or off, or auto", (text) => {
  const word = text.toLowerCase();
  if (word === "off" || word === "0") return null;
  if (word === "auto") return 0;
  return parseNumber(text, /^\d+$/, 1, 65535, "0 or off for none, auto for any free one, or a port: a whole number");
});

/** A duration written in seconds (decimals allowed); the value is in milliseconds. */
export function seconds(min: number, max: number): ValueType<number> {
  return valueType(`seconds ${min} … ${max}`, (text) => {
    const value = parseNumber(text, /^\d+(\.\d+)?$/, min, max, "seconds: a number");
    const ms = Math.round(value * 1000);
    if (ms === 0 && value > 0) throw new Error("must be 0 or at least 0.001 seconds"); // 0 has a meaning of its own
    return ms;
  });
}

/** A duration written in whole milliseconds. */
export function milliseconds(min: number, max: number): ValueType<number> {
  return valueType(`milliseconds ${min} … ${max}`, (text) =>
    parseNumber(text, /^\d+$/, min, max, "milliseconds: a whole number"),
  );
}

const TRUE = new Set(["true", "on", "yes", "1"]);
const FALSE = new Set(["false", "off", "no", "0"]);

/** A switch: true/on/yes/1 or false/off/no/0. */
export const toggle: ValueType<boolean> = valueType("true/on or false/off", (text) => {
  const word = text.toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  throw new Error("must be true or false (on/off, yes/no and 1/0 are understood as well)");
});

/** One of a few words. */
export function oneOf<const T extends string>(words: readonly T[]): ValueType<T> {
  return valueType(words.join(", "), (text) => {
    const word = words.find((candidate) => candidate === text.toLowerCase());
    if (word === undefined) throw new Error(`must be one of: ${words.join(", ")}`);
    return word;
  });
}

/** A name or a label: any text of one line. */
export const text: ValueType<string> = valueType("text", (value) => {
  if (/\p{Cc}/u.test(value)) throw new Error("must be one line without control characters");
  return value;
});

/** A path of a file or directory. */
export const path: ValueType<string> = valueType("path", (value) => {
  if (value.includes("\0")) throw new Error("must be a path: it has a zero byte in it");
  return value;
});

/** Comma-separated paths. */
export const pathList: ValueType<readonly string[]> = valueType("paths, comma-separated", (value) => {
  const paths = value.split(",").map((entry) => entry.trim());
  const empty = paths.indexOf("");
  if (empty >= 0) throw new Error(`entry ${empty + 1} is empty: remove the extra comma`);
  const damaged = paths.findIndex((entry) => entry.includes("\0"));
  if (damaged >= 0) throw new Error(`entry ${damaged + 1} must be a path: it has a zero byte in it`);
  return paths;
});

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
