/** A turn of the event loop: promises that can settle have settled, and nothing was waited for. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
