/** What strangers ask the control process for through a worker: given up when they go, refused when they are too many. */
import { afterEach, expect, test } from "bun:test";
import type { AdminResponse } from "../../../../src/proxy/downstream/admin-relay.ts";
import { cleanUp, eventually, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, type Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const METRICS = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

/** A control process whose responses the test gives. */
function control() {
  const asked: { signal: AbortSignal; answer: (body: Uint8Array) => void }[] = [];
  const admin = (_query: unknown, signal: AbortSignal): Promise<AdminResponse> => {
    const { promise, resolve, reject } = Promise.withResolvers<AdminResponse>();
    signal.addEventListener("abort", () => reject(signal.reason));
    asked.push({ signal, answer: (body) => resolve({ status: 200, type: "text/plain", body, retryAfter: null }) });
    return promise;
  };
  return { asked, proxy: new TestProxy([], { admin }) };
}

async function clients(proxy: TestProxy, count: number, request = METRICS): Promise<Wire[]> {
  const wires = await Promise.all(Array.from({ length: count }, () => proxy.connect()));
  for (const wire of wires) await wire.send(request);
  return wires;
}

/** One more client is answered as if nothing had been. */
async function expectResponse({ asked, proxy }: ReturnType<typeof control>): Promise<void> {
  const before = asked.length;
  const [wire] = await clients(proxy, 1);
  await eventually(() => asked.length > before);
  asked.at(-1)?.answer(Buffer.from("here"));
  expect((await wire.message()).body.toString()).toBe("here");
}

test("the question of clients that went away is given up", async () => {
  const { asked, proxy } = control();
  const gone = await clients(proxy, 3);
  await eventually(() => asked.length === 1);
  for (const wire of gone) wire.reset();
  await eventually(() => asked[0].signal.aborted);
  await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  await expectResponse({ asked, proxy });
});

test("more than can wait are refused at once, and are welcome when the others have gone", async () => {
  const { asked, proxy } = control();
  const wires = await clients(proxy, 80);
  await eventually(() => wires.filter(({ unread }) => unread > 0).length === 16);
  const refused = await (wires.find(({ unread }) => unread > 0) as Wire).message();
  expect([refused.status, singleValue(refused, "retry-after")]).toEqual([503, "1"]);
  expect(JSON.parse(refused.body.toString())).toMatchObject({ error: { code: "admin_busy" } });
  for (const wire of wires) wire.reset();
  await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  await expectResponse({ asked, proxy });
});

test("answers that clients do not read are bounded in bytes, and let go with their clients", async () => {
  const { asked, proxy } = control();
  const body = Buffer.alloc(40 * 1024 * 1024, "m");
  const [slow] = await clients(proxy, 1);
  slow.socket.pause();
  await eventually(() => asked.length === 1);
  asked[0].answer(body);
  let refused = 0;
  for (let i = 0; i < 500 && refused !== 503; i++) {
    const [wire] = await clients(proxy, 1);
    await eventually(() => wire.unread > 0 || asked.length > 1);
    if (asked.length > 1) asked.pop()?.answer(Buffer.from("not yet")); // the worker had not taken the large one
    refused = (await wire.message()).status;
    wire.destroy();
  }
  expect(refused).toBe(503);
  slow.reset();
  await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  await expectResponse({ asked, proxy });
});

test("a large answer comes whole, to HEAD only its length, and the connection goes on", async () => {
  const { asked, proxy } = control();
  const body = Buffer.alloc(3_000_000, "m");
  const [wire] = await clients(proxy, 1);
  await eventually(() => asked.length === 1);
  asked[0].answer(body);
  expect((await wire.message()).body.equals(body)).toBe(true);
  await wire.send(METRICS.replace("GET", "HEAD"));
  await eventually(() => asked.length === 2);
  asked[1].answer(body);
  const head = await wire.message({ noBody: true });
  expect([head.status, singleValue(head, "content-length")]).toEqual([200, "3000000"]);
  await wire.send("GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n");
  expect((await wire.message()).body.toString()).toContain("ok");
});
