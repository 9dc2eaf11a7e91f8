/**
 * Histograms as bytes: one after the other the counts, each in groups of seven bits, the lowest first, the eighth bit set where
 * another group follows; where counts are zero, one zero and how many there are. A second's histogram takes a handful of bytes
 * (most buckets are empty), an hour's some two hundred.
 */

const MORE = 0x80;

/** The bytes of counts: whole numbers that are not negative. */
export function encodeDurations(counts: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < counts.length; i++) {
    push(bytes, counts[i]);
    if (counts[i] !== 0) continue;
    const first = i;
    while (i + 1 < counts.length && counts[i + 1] === 0) i++;
    push(bytes, i - first + 1);
  }
  return Uint8Array.from(bytes);
}

/** The counts of bytes. Throws a `RangeError` for what `encodeDurations` never makes. */
export function decodeDurations(bytes: Uint8Array): number[] {
  const counts: number[] = [];
  let value = 0;
  let scale = 1;
  let inRun = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    value += (byte & 0x7f) * scale;
    if (byte >= MORE) {
      scale *= 128;
      continue;
    }
    if (inRun) {
      if (value > MOST_BUCKETS - counts.length) throw new RangeError("a histogram of too many buckets");
      for (let left = value; left > 0; left--) counts.push(0);
      inRun = false;
    } else if (value === 0) inRun = true;
    else counts.push(value);
    value = 0;
    scale = 1;
  }
  if (inRun || scale !== 1 || counts.length > MOST_BUCKETS) throw new RangeError("a histogram that was cut off");
  return counts;
}

/** Far more than any version has. */
const MOST_BUCKETS = 4_096;

function push(bytes: number[], value: number): void {
  let left = value;
  while (left >= MORE) {
    bytes.push((left % MORE) | MORE);
    left = Math.floor(left / MORE);
  }
  bytes.push(left);
}
