/**
 * Servers that do not write quite what the grammar says, and can only mean one thing: the client gets what they mean, as it
 * should have been written. What follows on the connection shows that nothing was misread. docs/messages.md is the list.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { valuesOf } from "../../../support/wire.ts";

afterEach(cleanUp);

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

/** A proxy before a server that says `text` to its first request, as `GET` unless `method` says otherwise. */
async function asked(text: string, method = "GET", packets?: number) {
  const backend = await Backend.start(async (server, index) => {
    for (let n = 0; ; n++) {
      const { startLine } = await server.message();
      if (index > 0 || n > 0) await server.send(ok(startLine));
      else if (packets === undefined) await server.send(text);
      else for (let at = 0; at < text.length; at += packets) await server.send(text.slice(at, at + packets));
    }
  });
  const proxy = new TestProxy([backend]);
  const client = await proxy.connect();
  await client.send(get("/first", "", method));
  const answer = await client.message({ noBody: method === "HEAD" });
  await client.send(get("/second"));
  expect((await client.message()).body.toString()).toContain("/second");
  expect(client.unread).toBe(0);
  expect(proxy.memory.servers.consecutiveFailures[0]).toBe(0);
  expect(proxy.logged).toEqual([]);
  return { answer, connections: backend.connections.length };
}

describe("heads", () => {
  test.each([
    ["line feeds alone", "HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok", 1],
    ["some line feeds alone", "HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 2\r\n\nok", 1],
    ["HTTP/1.2", "HTTP/1.2 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok", 1],
    ["HTTP/2.0 in words", "HTTP/2.0 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok", 2],
    ["two spaces", "HTTP/1.1  200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok", 1],
    ["the same length twice", `${OK}Content-Length: 2\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok`, 1],
    ["the same length in a list", `${OK}X-A: b\r\nContent-Length: 2, 2\r\n\r\nok`, 1],
    ["zeros before a length", `${OK}X-A: b\r\nContent-Length: 0002\r\n\r\nok`, 1],
    ["tabs around a length", `${OK}X-A:\tb\r\nContent-Length:\t2 \t\r\n\r\nok`, 1],
    ["an option that is none", `${OK}X-A: b\r\nConnection: keep-alive; x=1\r\nContent-Length: 2\r\n\r\nok`, 2],
    ["an option that frames", `${OK}X-A: b\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nok`, 1],
  ])("%s", async (_, text, connections) => {
    for (const packets of [undefined, 1]) {
      const got = await asked(text, "GET", packets);
      expect(got.answer.head).toStartWith("HTTP/1.1 200 OK\r\n");
      expect(got.answer.head.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
      expect(valuesOf(got.answer, "content-length")).toEqual(["2"]);
      expect(valuesOf(got.answer, "x-a")).toEqual(["b"]);
      expect(got.answer.body.toString()).toBe("ok");
      expect(got.connections).toBe(connections);
    }
  });

  test.each([600, 999])("status %i is passed on, and is no failure", async (status) => {
    const { answer, connections } = await asked(`HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nok`);
    expect([answer.status, answer.body.toString(), connections]).toEqual([status, "ok", 1]);
  });

  test.each(["A\x01\x7f", "caf\xc3\xa9"])("a value of %j is passed on", async (value) => {
    const { answer } = await asked(`${OK}Set-Cookie: ${value}\r\nContent-Length: 2\r\n\r\nok`);
    expect(valuesOf(answer, "set-cookie")).toEqual([value]);
  });
});

describe("a coding that counts instead of the length", () => {
  const body = "2\r\nok\r\n0\r\n\r\n";
  test.each([
    ["before the length", `${OK}Transfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n${body}`],
    ["behind the length", `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n${body}`],
    ["with empty elements behind it", `${OK}Transfer-Encoding: chunked,\r\nContent-Length: 2\r\n\r\n${body}`],
    ["with empty elements around it", `${OK}Transfer-Encoding: ,\tchunked , ,\r\nContent-Length: 2\r\n\r\n${body}`],
    ["in HTTP/1.0", `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${body}`],
  ])("%s: the connection is not used again", async (_, text) => {
    const { answer, connections } = await asked(text);
    expect(valuesOf(answer, "content-length")).toEqual([]);
    expect(valuesOf(answer, "transfer-encoding")).toEqual(["chunked"]);
    expect(answer.rawBody.toString()).toBe(body);
    expect(connections).toBe(2);
  });
});

describe("chunks", () => {
  test.each([
    ["spaces behind a size", "2 \t\r\nok\r\n0 \r\n\r\n", "2\r\nok\r\n0\r\n\r\n", ""],
    ["line feeds alone", "2\nok\n0\nX-T: v\n\n", "2\r\nok\r\n0\r\nX-T: v\r\n\r\n", "X-T: v\r\n"],
    ["spaces around an extension", "2 ; a = b\r\nok\r\n0\r\n\r\n", "2\r\nok\r\n0\r\n\r\n", ""],
    [
      "trailers that would frame",
      "2\r\nok\r\n0\r\nContent-Length: 9\r\nX-T: v\r\n\r\n",
      "2\r\nok\r\n0\r\nX-T: v\r\n\r\n",
      "X-T: v\r\n",
    ],
  ])("%s", async (_, body, expected, trailers) => {
    for (const packets of [undefined, 1]) {
      const { answer, connections } = await asked(CHUNKED + body, "GET", packets);
      expect(answer.rawBody.toString()).toBe(expected);
      expect([answer.body.toString(), answer.trailers]).toEqual(["ok", trailers]);
      expect(connections).toBe(1);
    }
  });
});

describe("a body that is announced where there can be none", () => {
  test.each([
    ["204, chunked", "Transfer-Encoding: chunked\r\n\r\n"],
    ["204, chunked and empty", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["204, with a length", "Content-Length: 5\r\n\r\n"],
    ["204, with a body", "Content-Length: 5\r\n\r\nhello"],
    ["204, with both", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ])("%s: passed on without it; the connection is not used again", async (_, rest) => {
    const { answer, connections } = await asked(`HTTP/1.1 204 No Content\r\nX-A: b\r\n${rest}`, "DELETE");
    expect(answer.status).toBe(204);
    expect(answer.fields.map(([name]) => name)).toEqual(["X-A", "Date"]);
    expect(connections).toBe(2);
  });

  test("204 with a length of 0 announces none", async () => {
    const { answer, connections } = await asked("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "DELETE");
    expect(valuesOf(answer, "content-length")).toEqual([]);
    expect(connections).toBe(1);
  });

  test.each([
    [
      "304, chunked",
      "GET",
      "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
      "transfer-encoding",
      "chunked",
    ],
    ["304, with a length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "content-length", "5"],
    ["HEAD, chunked", "HEAD", `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, "transfer-encoding", "chunked"],
    ["HEAD, with a length", "HEAD", `${OK}Content-Length: 5\r\n\r\n`, "content-length", "5"],
    [
      "HEAD, with both",
      "HEAD",
      `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
      "transfer-encoding",
      "chunked",
    ],
  ])(
    "%s: said to the client, who may want to know; the connection is not used again",
    async (_, method, text, name, value) => {
      const { answer, connections } = await asked(text, method);
      expect(valuesOf(answer, name)).toEqual([value]);
      expect(connections).toBe(2);
    },
  );

  test("HEAD with a length of 0: there is nothing that could come", async () => {
    expect((await asked(`${OK}Content-Length: 0\r\n\r\n`, "HEAD")).connections).toBe(1);
  });

  test.each(["Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n"])(
    "103 with %j, then the answer",
    async (lines) => {
      const backend = await Backend.answering(() => `HTTP/1.1 103 Early Hints\r\nLink: x\r\n${lines}\r\n${ok("fine")}`);
      const proxy = new TestProxy([backend]);
      const client = await proxy.connect();
      for (let i = 0; i < 2; i++) {
        await client.send(get());
        const { head } = await client.head();
        expect(head).toBe("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        expect((await client.message()).body.toString()).toBe("fine");
      }
      expect(backend.connections.length).toBe(2);
    },
  );
});
