/** Responses of our own over HTTP/2. */
import { afterEach, expect, test } from "bun:test";
import type { AdminResponse } from "../../../../../src/proxy/downstream/admin-relay.ts";
import { FrameType as Type } from "../../../../../src/proxy/http2/frames/layout.ts";
import { frame, Http2Wire, integer32, settings } from "../../../../support/http2/wire.ts";
import { cleanUp, eventually, TestProxy } from "../../../../support/proxy-harness.ts";

const INITIAL_WINDOW_SIZE = 4;
const BODY_BYTES = 100_000;

afterEach(cleanUp);

test("one that several clients get is there for the last of them, too, however long each takes", async () => {
  const answers: ((response: AdminResponse) => void)[] = [];
  const admin = (): Promise<AdminResponse> => new Promise((resolve) => answers.push(resolve));
  const proxy = new TestProxy([], { admin });
  const client = await Http2Wire.connect(proxy.port, settings([INITIAL_WINDOW_SIZE, 0]));
  // Those that come while the first asks get one and the same.
  const ids = [1, 3, 5];
  client.request(...ids.map(() => ({ path: "/metrics" })));
  for (const asked of [1, 2]) {
    await eventually(() => answers.length === asked);
    answers[asked - 1]({ status: 200, type: "text/plain", body: Buffer.alloc(BODY_BYTES, "m"), retryAfter: null });
  }
  await eventually(() => ids.every((id) => client.stream(id).status === 200));
  client.send(frame(Type.WINDOW_UPDATE, 0, 0, integer32(ids.length * BODY_BYTES)));
  for (const id of ids) {
    client.send(frame(Type.WINDOW_UPDATE, 0, id, integer32(BODY_BYTES)));
    expect((await client.response(id)).body.length).toBe(BODY_BYTES);
  }
  client.close();
  await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
});
