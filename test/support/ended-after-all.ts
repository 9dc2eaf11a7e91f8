import { afterAll } from "bun:test";

/** A list for what a file's tests start: all in it is ended after the last of them. */
export function endedAfterAll(): { end?(): unknown; stop?(): unknown }[] {
  const open: { end?(): unknown; stop?(): unknown }[] = [];
  afterAll(() => Promise.all(open.map((each) => each.end?.() ?? each.stop?.())));
  return open;
}
