/** How single values are written into lines: as bytes, bounded, and so that nothing that a client says can end a line. */
import { METHODS } from "../../../shared/memory/series-table.ts";
import { visible } from "../../../shared/visible-text.ts";
import { copyAll, copyBytes, writeInteger } from "../../http1/copy.ts";
import type { LoggedRequest } from "./logged.ts";

/** What clients say beside the target (`Host`, `User-Agent`, `Referer`) is cut there. */
export const MAX_TEXT_BYTES = 512;
/** A byte may become an escape of this size. */
const LONGEST_ESCAPE = 6;
/** Behind what was cut. */
const CUT = Buffer.from("...");
/** Room that one of these takes at most. */
export const LONGEST_TEXT = MAX_TEXT_BYTES * LONGEST_ESCAPE + CUT.length;

const METHOD_NAMES = METHODS.map((name) => Buffer.from(name));
const HEX = Buffer.from("0123456789abcdef");
const QUOTE = 34;
const BACKSLASH = 92;
/** 0 for bytes that stand for themselves everywhere. */
const ODD = Uint8Array.from({ length: 256 }, (_, c) => Number(c < 32 || c > 126 || c === QUOTE || c === BACKSLASH));

/** Writes the method as the client has it. It is a token (RFC 9110 section 5.6.2): nothing in it needs escaping. */
export function writeMethod(out: Buffer, at: number, r: LoggedRequest): number {
  if (r.method === 0 && r.methodEnd > r.methodStart) {
    return copyBytes(out, at, r.headBuffer, r.methodStart, r.methodEnd);
  }
  return copyAll(out, at, METHOD_NAMES[r.method]);
}

/**
 * Copies a request target, which is visible ASCII (the parser refuses anything else), escaping what would end the quoted
 * string that it stands in: the same for JSON (RFC 8259 section 7) and text.
 */
export function copyEscaped(out: Buffer, start: number, src: Buffer, from: number, to: number): number {
  if (isPlain(src, from, to)) return copyBytes(out, start, src, from, to);
  let at = start;
  for (let i = from; i < to; i++) {
    const c = src[i];
    if (c === QUOTE || c === BACKSLASH) out[at++] = BACKSLASH;
    out[at++] = c;
  }
  return at;
}

/** Do all of the bytes stand for themselves? Eight at a time: to branch for each takes twice as long. */
function isPlain(src: Buffer, from: number, to: number): boolean {
  let odd = 0;
  let i = from;
  for (; i + 8 <= to; i += 8) {
    odd |= ODD[src[i]] | ODD[src[i + 1]] | ODD[src[i + 2]] | ODD[src[i + 3]];
    odd |= ODD[src[i + 4]] | ODD[src[i + 5]] | ODD[src[i + 6]] | ODD[src[i + 7]];
  }
  for (; i < to; i++) odd |= ODD[src[i]];
  return odd === 0;
}

/** Writes a field's value into a string of JSON, cut after `MAX_TEXT_BYTES`. */
export function writeJsonText(out: Buffer, start: number, src: Buffer, from: number, to: number): number {
  const stop = Math.min(to, from + MAX_TEXT_BYTES);
  let at = start;
  if (isPlain(src, from, stop)) at = copyBytes(out, at, src, from, stop);
  else {
    for (let i = from; i < stop; i++) {
      const c = src[i];
      if (c < 32 || c > 126) return writeStrange(out, start, src, from, stop, to);
      if (c === QUOTE || c === BACKSLASH) out[at++] = BACKSLASH;
      out[at++] = c;
    }
  }
  return stop < to ? copyAll(out, at, CUT) : at;
}

/** As `writeJsonText`, where something is no visible ASCII: UTF-8 as it is, and escaped what a terminal would obey. */
function writeStrange(out: Buffer, at: number, src: Buffer, from: number, stop: number, to: number): number {
  const text = JSON.stringify(src.toString("utf8", from, stop)).slice(1, -1);
  const end = at + out.write(visible(text), at);
  return stop < to ? copyAll(out, end, CUT) : end;
}

/** Writes a field's value as Apache and nginx do between quotes: what is no visible ASCII as `\xE4`. `-` for nothing. */
export function writeLogText(out: Buffer, start: number, src: Buffer, from: number, to: number): number {
  const stop = Math.min(to, from + MAX_TEXT_BYTES);
  let at = start;
  if (from === to) out[at++] = 45;
  for (let i = from; i < stop; i++) {
    const c = src[i];
    if (c < 32 || c > 126) {
      out[at++] = BACKSLASH;
      out[at++] = 120;
      out[at++] = HEX[c >> 4];
      out[at++] = HEX[c & 15];
      continue;
    }
    if (c === QUOTE || c === BACKSLASH) out[at++] = BACKSLASH;
    out[at++] = c;
  }
  return stop < to ? copyAll(out, at, CUT) : at;
}

/** Writes milliseconds as seconds with six decimals. */
export function writeSeconds(out: Buffer, at: number, durationMs: number): number {
  return writeFraction(out, at, Math.round(durationMs * 1000), 1_000_000, 6);
}

/** Writes milliseconds with three decimals, and nothing as 0. */
export function writeMilliseconds(out: Buffer, at: number, durationMs: number): number {
  const us = Math.round(durationMs * 1000);
  if (us > 0) return writeFraction(out, at, us, 1000, 3);
  out[at] = 48;
  return at + 1;
}

function writeFraction(out: Buffer, start: number, value: number, unit: number, decimals: number): number {
  const whole = Math.floor(value / unit);
  let at = writeInteger(out, start, whole);
  out[at++] = 46;
  let rest = (value - whole * unit) | 0;
  for (let i = at + decimals - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0; // of whole numbers: a third of what Math.floor takes
    out[i] = 48 + (rest - tenth * 10);
    rest = tenth;
  }
  return at + decimals;
}
