/** Times without any request, which may mean that nobody recorded. */

/** Shorter ones are not worth a word. */
const SILENCE_SECONDS = 60;

/** From when to when, milliseconds since the epoch. @param busy by second from `startMs` on: 1 = there were requests. */
export function silencesOf(busy: Uint8Array, startMs: number): (readonly [fromMs: number, toMs: number])[] {
  const found: (readonly [number, number])[] = [];
  let begun = -1;
  for (let second = 0; second <= busy.length; second++) {
    if (second < busy.length && busy[second] === 0) {
      if (begun < 0) begun = second;
      continue;
    }
    if (begun >= 0 && second - begun >= SILENCE_SECONDS) found.push([startMs + begun * 1000, startMs + second * 1000]);
    begun = -1;
  }
  return found;
}
