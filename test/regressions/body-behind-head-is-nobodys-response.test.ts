/**
 * A server that sends a body to HEAD, or with 204, 304 and 103, on connections that it keeps: what it sends is no response to
 * anybody, whenever it comes. Under load another request was on the connection already when it came, and got it.
 */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, get, TestProxy } from "../support/proxy-harness.ts";
import { singleValue, type Wire } from "../support/wire.ts";

afterEach(cleanUp);

const POISON = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Token: poison\r\n\r\npoison";
const LENGTH = `Content-Length: ${POISON.length}\r\n\r\n`;

/** What the server says first, and then, without being asked for it, in another packet. */
const TRAPS: readonly (readonly [name: string, method: string, head: string])[] = [
  ["HEAD", "HEAD", `HTTP/1.1 200 OK\r\n${LENGTH}`],
  ["HEAD without a length", "HEAD", "HTTP/1.1 200 OK\r\n\r\n"],
  ["HEAD, chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["204", "GET", `HTTP/1.1 204 No Content\r\n${LENGTH}`],
  ["204, chunked", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["304", "GET", `HTTP/1.1 304 Not Modified\r\n${LENGTH}`],
  [
    "103 with a body, behind the answer",
    "GET",
    `HTTP/1.1 103 Early\r\n${LENGTH}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
  ],
];

test.each(TRAPS)(
  "%s: no client gets what another one's answer dragged along",
  async (_, method, head) => {
    const backend = await Backend.start(async (server: Wire) => {
      for (;;) {
        const { startLine } = await server.message();
        const token = startLine.split(" ")[1];
        if (token === "/trap") {
          await server.send(head);
          await new Promise<void>((resolve) => setImmediate(resolve)); // a packet of its own
          await server.send(POISON);
        } else await server.send(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Token: ${token}\r\n\r\n`);
      }
    });
    const proxy = new TestProxy([backend], { settings: { retryAttempts: 5, retryBudgetPercent: 1000 } });
    let foreign = 0;
    let answers = 0;
    const attacker = async () => {
      const client = await proxy.connect();
      for (let i = 0; i < 60; i++) {
        await client.send(get("/trap", "", method));
        do {
          // The interim one first.
        } while ((await client.message({ noBody: true })).status < 200);
      }
      client.destroy();
    };
    const victim = async (name: number) => {
      const client = await proxy.connect();
      for (let i = 0; i < 60; i++) {
        await client.send(get(`/${name}-${i}`));
        const answer = await client.message();
        answers++;
        if (singleValue(answer, "x-token") !== `/${name}-${i}`) foreign++;
      }
      client.destroy();
    };
    await Promise.all([
      ...Array.from({ length: 4 }, attacker),
      ...Array.from({ length: 8 }, (_, name) => victim(name)),
    ]);
    expect(answers).toBe(480);
    expect(foreign).toBe(0);
  },
  60_000,
);
