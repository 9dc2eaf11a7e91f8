/** Those who watch, over real sockets and through the admin port's gate: also those who do not read. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGate } from "../../../../src/control/admin/doors/gate.ts";
import { LiveStream, MAX_WATCHERS, message, type WrittenFrame } from "../../../../src/control/live/stream.ts";
import { until } from "../../../support/until.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** As large as a frame may be. */
const LARGE = "x".repeat(200_000);

function frameOf(number: number, topology = 1, filling = ""): WrittenFrame {
  return {
    bytes: message("frame", JSON.stringify({ number, filling })),
    topology,
    topologyBytes: message("topology", String(topology)),
  };
}

async function make() {
  let nowMs = 0;
  const directory = mkdtempSync(join(tmpdir(), "nb-live-"));
  const path = join(directory, "inner.sock");
  const stream = new LiveStream(() => nowMs);
  const server = Bun.serve({
    unix: path,
    idleTimeout: 60,
    fetch: () => stream.open(frameOf(0), [message("event", "missed", "r-1")]),
  } as never);
  const gate = await openGate(
    { host: "127.0.0.1", port: 0, tls: null, nowMs: () => performance.now(), wallMs: () => Date.now() },
    { open: () => path, close: () => {} },
  );
  ends.push(
    () => rmSync(directory, { recursive: true }),
    () => server.stop(true),
    () => gate.stop(),
  );
  const watch = (reads: boolean): { socket: Socket; text: () => string; closed: () => boolean } => {
    const socket = connect(gate.port, "127.0.0.1");
    let text = "";
    let closed = false;
    socket.on("error", () => {});
    socket.on("close", () => {
      closed = true;
    });
    socket.write("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (reads) {
      socket.on("data", (chunk) => {
        text += chunk;
      });
    } else socket.pause();
    ends.push(() => socket.destroy());
    return { socket, text: () => text, closed: () => closed };
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { stream, watch, pass };
}

describe("the live stream", () => {
  test("begins with what was missed, the topology and a frame; the topology comes again when it changes", async () => {
    const { stream, watch } = await make();
    const { text } = watch(true);
    await until(() => text().includes('"number":0'));
    const [head, body] = text().split("\r\n\r\n");
    expect(head).toContain("200 OK");
    expect(head.toLowerCase()).toContain("content-type: text/event-stream");
    expect(body).toContain("retry: 1000");
    expect(body).toContain("id: r-1\nevent: event\ndata: missed\n\n");
    expect(body.indexOf("event: topology")).toBeLessThan(body.indexOf("event: frame"));
    stream.second(frameOf(1));
    stream.second(frameOf(2, 2));
    stream.second(null);
    await until(() => text().includes(": alive"));
    expect(text().match(/event: topology/g)).toHaveLength(2);
    expect(text().indexOf("data: 2\n")).toBeLessThan(text().indexOf('"number":2'));
    expect(text()).toContain('"number":1');
  });

  test("a watcher that leaves makes room", async () => {
    const { stream, watch } = await make();
    const watchers = Array.from({ length: MAX_WATCHERS }, () => watch(true));
    await until(() => stream.full);
    watchers[0].socket.destroy();
    await until(() => !stream.full);
    expect(stream.watchers).toBe(MAX_WATCHERS - 1);
  });

  test("who does not read is dropped in the end, and holds nobody up", async () => {
    const { stream, watch, pass } = await make();
    const deaf = watch(false);
    const other = watch(true);
    await until(() => stream.watchers === 2 && other.text().includes('"number":0'));
    // Until the kernel's buffers are full and the watcher is stuck, and beyond: what it gets is 40 MB.
    for (let number = 1; number <= 200; number++) {
      stream.second(frameOf(number, 1, LARGE));
      await Bun.sleep(1);
    }
    expect(stream.dropped).toBe(0); // no time has passed
    // What waits for it is told in the end: from then on the other one waits for nothing.
    stream.event(message("event", "caught up", "r-2"));
    await until(() => other.text().includes("caught up"));
    pass(11_000);
    stream.second(frameOf(201));
    expect([stream.dropped, stream.watchers]).toEqual([1, 1]);
    expect(deaf.socket.destroyed).toBe(false);
    stream.event(message("event", "goes on", "r-3"));
    await until(() => other.text().includes("goes on"));
  });

  test("who reads late gets all events and the newest frames; of the others only what the kernel had taken", async () => {
    const { stream, watch } = await make();
    const late = watch(false);
    await until(() => stream.watchers === 1);
    for (let number = 1; number <= 400; number++) {
      stream.second(frameOf(number, 1, LARGE));
      if (number % 4 === 0) stream.event(message("event", `happened ${number}`, `r-${number}`));
      await Bun.sleep(1);
    }
    expect(stream.watchers).toBe(1);
    const chunks: Buffer[] = [];
    late.socket.on("data", (chunk) => chunks.push(chunk as Buffer));
    late.socket.resume();
    const text = () => Buffer.concat(chunks).toString();
    await until(() => text().includes("happened 400\n"));
    for (let number = 4; number <= 400; number += 4) expect(text()).toContain(`data: happened ${number}\n`);
    // 80 MB were made for it: what waited in this process is one frame and some events.
    expect(text().length).toBeLessThan(40_000_000);
    stream.second(frameOf(401));
    await until(() => text().includes('"number":401'));
  });

  test("a stream ends after a quarter of an hour, so that tokens are looked at again", async () => {
    const { stream, watch, pass } = await make();
    const { closed } = watch(true);
    await until(() => stream.watchers === 1);
    pass(15 * 60_000);
    stream.second(frameOf(1));
    expect(stream.watchers).toBe(0);
    await until(() => closed() || stream.watchers === 0);
  });
});
