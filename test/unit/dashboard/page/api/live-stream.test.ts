import { expect, test } from "bun:test";
import { LiveStream } from "../../../../../src/dashboard/page/api/live-stream.ts";
import { ApiProblem } from "../../../../../src/dashboard/page/api/problem.ts";
import { turn } from "../../../../support/turn.ts";

/** A world whose answers and timers the test gives. */
function world() {
  const heard: string[] = [];
  const asked: Readonly<Record<string, string>>[] = [];
  const timers: { readonly ms: number; readonly then: () => void; cancelled: boolean }[] = [];
  const answers: (() => Promise<Response>)[] = [];
  const stream = new LiveStream(
    {
      frame: () => heard.push("frame"),
      topology: () => heard.push("topology"),
      event: () => heard.push("event"),
      connected: () => heard.push("connected"),
      lost: ({ message }, retryMs) => heard.push(`lost: ${message}, ${retryMs}`),
    },
    {
      open: (_, headers) => {
        asked.push(headers);
        return (answers.shift() ?? (() => new Promise<Response>(() => {})))();
      },
      after: (ms, then) => {
        const timer = { ms, then, cancelled: false };
        timers.push(timer);
        return () => {
          timer.cancelled = true;
        };
      },
      chance: () => 0.5,
    },
  );
  const fire = () => timers.findLast(({ cancelled }) => !cancelled)?.then();
  return { stream, heard, asked, answers, fire };
}

const text =
  (...events: string[]) =>
  async () =>
    new Response(events.join(""));
const FRAME = "event: frame\ndata: {}\n\n";

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

test("it comes again where it was, after growing pauses", async () => {
  const { stream, heard, asked, answers, fire } = world();
  answers.push(text("id: 1-7\nevent: event\ndata: {}\n\n", FRAME));
  answers.push(() => Promise.reject(new ApiProblem(0, "unreachable", "no answer came")));
  stream.start();
  await settled();
  expect(heard).toEqual(["connected", "event", "frame", "lost: the stream ended, 500"]);
  fire();
  await settled();
  expect(heard.at(-1)).toBe("lost: no answer came, 1000");
  expect(asked.map((headers) => headers["last-event-id"] ?? "")).toEqual(["", "1-7"]);
});

test("with a token that is refused it does not try again by itself", async () => {
  const { stream, heard, answers } = world();
  answers.push(() => Promise.reject(new ApiProblem(401, "unauthorized", "give a token")));
  stream.start();
  await settled();
  expect(heard).toEqual(["lost: give a token, null"]);
});

test("what was stopped is heard of no more", async () => {
  const { stream, heard, answers } = world();
  answers.push(text(FRAME));
  stream.start();
  stream.stop();
  await settled();
  expect(heard).toEqual([]);
});
