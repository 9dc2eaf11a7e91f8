/** Waiting with an end to it: over a real socket, since what matters is what comes first in a turn of the loop. */
import { expect, test } from "bun:test";
import { withPatience } from "../../../../src/shared/time/patience.ts";

const never = new Promise<string>(() => {});

test("what comes is given, and what does not come is late", async () => {
  expect(await withPatience(Promise.resolve("it"), 60_000, () => "late")).toBe("it");
  expect(await withPatience(never, 50, () => "late")).toBe("late");
  const fails = withPatience(never, 50, () => {
    throw new Error("too late");
  });
  await expect(fails).rejects.toThrow("too late");
  await expect(withPatience(Promise.reject(new Error("no")), 60_000, () => "late")).rejects.toThrow("no");
});

test("who stood still for all that time reads first what came meanwhile", async () => {
  const answer = Promise.withResolvers<string>();
  const opened = Promise.withResolvers<void>();
  // It stands still with this process: the answer takes another turn.
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => opened.resolve(),
      data: (socket) => {
        socket.write("in time");
      },
    },
  });
  const socket = { data: (_: unknown, data: Buffer) => answer.resolve(data.toString()) };
  const client = await Bun.connect({ hostname: "127.0.0.1", port: listener.port, socket });
  try {
    await opened.promise;
    const waiting = withPatience(answer.promise, 100, () => "late");
    client.write("a question");
    Bun.sleepSync(300);
    expect(await waiting).toBe("in time");
  } finally {
    client.end();
    listener.stop(true);
  }
});
