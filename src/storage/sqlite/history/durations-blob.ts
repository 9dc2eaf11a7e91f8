/**
 * Histograms as bytes: how many counts there are, and one after the other the counts, each in groups of seven bits, the lowest
 * first, the eighth bit set where another group follows; where counts are zero, one zero and how many there are. A second's
 * histogram takes a handful of bytes (most buckets are empty), an hour's some two hundred.
 */

const MORE = 0x80;
/** Far more than any version has. */
const MOST_BUCKETS = 4_096;

/** The bytes of counts: whole numbers that are not negative. */
export function encodeDurations(counts: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  push(bytes, counts.length);
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
  let counts: number[] | null = null;
  let length = 0;
  let at = 0;
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
    if (counts === null) {
      if (value > MOST_BUCKETS) throw new RangeError(`a histogram of ${value} buckets`);
      length = value;
      counts = new Array<number>(length).fill(0);
    } else if (inRun) {
      at += value;
      inRun = false;
    } else if (value === 0) inRun = true;
    else counts[at++] = value;
    value = 0;
    scale = 1;
  }
  if (counts === null || at !== length || inRun || scale !== 1) throw new RangeError("a histogram that was cut off");
  return counts;
}

function push(bytes: number[], value: number): void {
  let left = value;
  while (left >= MORE) {
    bytes.push((left % MORE) | MORE);
    left = Math.floor(left / MORE);
  }
  bytes.push(left);
}
