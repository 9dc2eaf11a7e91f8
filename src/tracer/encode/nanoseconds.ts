/** Times as OTLP has them. */
import type { ProtobufWriter } from "../../shared/protobuf/writer.ts";

const TWO_32 = 2 ** 32;

/** Milliseconds since the epoch as nanoseconds in a `fixed64`; what is no time is 0. */
export function writeNanoseconds(writer: ProtobufWriter, field: number, ms: number): void {
  const whole = Number.isFinite(ms) && ms > 0 ? Math.floor(ms) : 0;
  const nanoseconds = whole === 0 ? 0 : Math.round((ms - whole) * 1e6);
  // whole × 10^6 has more bits than a number: in pieces that do not.
  const upper = Math.floor(whole / 0x1_0000) * 1e6;
  const lower = (upper % 0x1_0000) * 0x1_0000 + (whole % 0x1_0000) * 1e6 + nanoseconds;
  const high = Math.floor(upper / 0x1_0000) + Math.floor(lower / TWO_32);
  writer.fixed64(field, lower % TWO_32, high % TWO_32);
}
