import { afterAll } from "bun:test";

/** What a file's tests start; and what they leave, which is removed when nobody can write there any more. */
interface Open {
  end?(): unknown;
  stop?(): unknown;
  remove?(): void;
}

/** A list for what a file's tests start: all in it is ended after the last of them. */
export function endedAfterAll(): Open[] {
  const open: Open[] = [];
  afterAll(async () => {
    try {
      await Promise.all(open.map((each) => each.end?.() ?? each.stop?.()));
    } finally {
      for (const each of open) each.remove?.();
    }
  });
  return open;
}
