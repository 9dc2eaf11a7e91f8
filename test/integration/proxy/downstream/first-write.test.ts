/** The first write of a response: as it came, over the old head, or put together. The client can't tell which. */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";

afterEach(cleanUp);

const DATE = "Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n";
/** Makes the new head shorter than the old one. */
const HOP_BY_HOP = "Connection: keep-alive\r\nKeep-Alive: timeout=5, max=1000\r\n";

function bytes(count: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: count }, (_, i) => (i * 31 + (i >> 8)) & 255));
}

describe.each([0, 1, 100, 5000, 70_000, 300_000])("an answer of %d bytes", (count) => {
  test.each([
    ["as it came", DATE],
    ["with fields removed", DATE + HOP_BY_HOP],
    ["with a Date added", ""],
    ["with fields removed and a Date added", HOP_BY_HOP],
  ])("%s", async (_, fields) => {
    const body = bytes(count);
    const backend = await Backend.answering(() => ok(body, fields));
    const proxy = new TestProxy([backend]);
    const client = await proxy.connect();
    // Twice on one connection: nothing of the first response may be left anywhere.
    for (let i = 0; i < 2; i++) {
      await client.send(get());
      const answer = await client.message();
      expect(answer.startLine).toBe("HTTP/1.1 200 OK");
      expect(answer.fields.map(([name]) => name).sort()).toEqual(["Content-Length", "Date"]);
      expect(answer.body.equals(body)).toBe(true);
    }
    expect(backend.connections).toHaveLength(1);
  });
});

test("an answer that follows an interim one in the same packet", async () => {
  const backend = await Backend.answering(() =>
    Buffer.concat([Buffer.from("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), ok("body", DATE)]),
  );
  const client = await new TestProxy([backend]).connect();
  await client.send(get());
  expect((await client.message()).startLine).toBe("HTTP/1.1 103 Early Hints");
  const answer = await client.message();
  expect([answer.startLine, answer.body.toString()]).toEqual(["HTTP/1.1 200 OK", "body"]);
});

test("a status line without the space that must be there gets it", async () => {
  const backend = await Backend.answering(() => `HTTP/1.1 200\r\n${DATE}Content-Length: 0\r\n\r\n`);
  const client = await new TestProxy([backend]).connect();
  await client.send(get());
  expect((await client.message()).startLine).toBe("HTTP/1.1 200 ");
});
