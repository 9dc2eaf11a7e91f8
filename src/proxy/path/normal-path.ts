/**
 * The normal form of one path (RFC 3986 section 6.2.2), for whoever needs it beside the readings that routes are found by
 * (route/readings.ts): it is the first of these. Takes time in proportion to the path's length.
 */
import { decode, removeDotSegments, write, writeUnit } from "./units.ts";

/** Bytes of a unit that is written. */
const MAX_UNIT_BYTES = 3;

/** A path in normal form. */
export interface NormalPath {
  readonly bytes: Buffer;
  /** It had dot segments: what follows a part of it as it came is not what follows that part here. */
  readonly hadDotSegments: boolean;
}

/** The normal form of the path `buf[start, end)`, which begins with a slash and has no query. */
export function normalPathOf(buf: Uint8Array, start: number, end: number): NormalPath {
  const units = new Uint16Array(end - start);
  const count = decode(buf, start, end, units);
  const left = removeDotSegments(units, count, false);
  const bytes = Buffer.allocUnsafe(left * MAX_UNIT_BYTES);
  return { bytes: bytes.subarray(0, write(units, left, bytes)), hadDotSegments: left < count };
}

/** The same of a text, each of whose characters is a byte. */
export function normalPath(path: string): string {
  const bytes = Buffer.from(path, "latin1");
  return normalPathOf(bytes, 0, bytes.length).bytes.toString("latin1");
}

/** The offset behind that part of the path `buf[start, end)`, without dot segments, whose normal form has `length` bytes. */
export function offsetBehind(buf: Uint8Array, start: number, end: number, length: number): number {
  const unit = new Uint16Array(MAX_UNIT_BYTES);
  const written = new Uint8Array(MAX_UNIT_BYTES);
  let at = start;
  for (let done = 0; done < length && at < end; ) {
    // Three bytes are one unit if they are an octet, percent-encoded.
    const size =
      decode(buf, at, Math.min(at + MAX_UNIT_BYTES, end), unit) === 1 ? Math.min(MAX_UNIT_BYTES, end - at) : 1;
    done += writeUnit(unit[0], written, 0);
    at += size;
  }
  return at;
}
