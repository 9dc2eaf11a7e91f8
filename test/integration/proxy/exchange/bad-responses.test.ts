/** Servers that break the rules: the client gets 502 or sees the break, and never another client's bytes. */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, type Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

/** A server that says `text` to its first request, and then closes if asked to. */
const saying = (text: string | Uint8Array, close = false) =>
  Backend.start(async (server) => {
    await server.message();
    await server.send(text);
    if (close) server.finish();
  });

const status = "HTTP/1.1 200 OK\r\n";

describe("malformed heads are 502", () => {
  test.each([
    ["no HTTP", "hello there\r\n\r\n"],
    ["HTTP/2", "HTTP/2 200\r\n\r\n"],
    ["HTTP/0.9", "<html>hi</html>"],
    ["status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["status 099", "HTTP/1.1 099 X\r\n\r\n"],
    ["NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n"],
    ["bare CR", `${status}A: b\rContent-Length: 0\r\n\r\n`],
    ["space before colon", `${status}Content-Length : 0\r\n\r\n`],
    ["obs-fold", `${status}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`],
    ["no colon", `${status}nonsense\r\n\r\n`],
    ["NUL in a value", `${status}A: \0\r\nContent-Length: 0\r\n\r\n`],
    ["length list", `${status}Content-Length: 1, 2\r\n\r\nab`],
    ["two lengths", `${status}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ["negative length", `${status}Content-Length: -1\r\n\r\n`],
    ["unknown coding", `${status}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["coding twice", `${status}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["100 in HTTP/1.0", "HTTP/1.0 100 Continue\r\n\r\n"],
    ["first chunk malformed, with the head", `${status}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ["upgrade that nobody asked for", "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"],
    ["too many fields", `${status}${"A: b\r\n".repeat(101)}\r\n`],
  ])("%s", async (_, text) => {
    const backend = await saying(text);
    const proxy = new TestProxy([backend]);
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toMatch(/^neurabalancer; error=http_/);
    expect(await backend.connections[0].end()).toBe("reset");
    expect(backend.connections.length).toBe(1); // it has processed the request: no second try
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(1);
    expect(proxy.inFlight).toBe(0);
    expect(proxy.logged).toEqual([]);
  });

  test("the client's connection lives on", async () => {
    const proxy = new TestProxy([await saying("rubbish\r\n\r\n"), await Backend.answering(() => ok("fine"))]);
    const client = await proxy.connect();
    const statuses: number[] = [];
    for (let i = 0; i < 2; i++) {
      await client.send(get());
      statuses.push((await client.message()).status);
    }
    expect(statuses.sort()).toEqual([200, 502]);
  });

  test("closing without a word, or within the head, is 502", async () => {
    for (const text of ["", "HTTP/1.1 2", `${status}Content-Length: 5\r\n`]) {
      const proxy = new TestProxy([await saying(text, true)], { settings: { retryAttempts: 0 } });
      const answer = await proxy.ask(get());
      expect(answer.status).toBe(502);
      expect(singleValue(answer, "proxy-status")).toContain("closed_before_response");
    }
  });
});

describe("broken bodies are cut off visibly", () => {
  test.each([
    ["short of its length", "Content-Length: 10", "half"],
    ["no last chunk", "Transfer-Encoding: chunked", "4\r\nhalf\r\n"],
    ["within a chunk", "Transfer-Encoding: chunked", "9\r\nhalf"],
    ["within a size", "Transfer-Encoding: chunked", "4\r\nhalf\r\n1"],
  ])("%s: what came is passed on, and its framing shows the cut", async (_, field, body) => {
    const proxy = new TestProxy([await saying(`${status}${field}\r\n\r\n${body}`, true)]);
    const client = await proxy.connect();
    await client.send(get());
    expect((await client.head()).status).toBe(200);
    expect(await client.end()).toBe("end");
    expect(client.text).toBe(body);
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(1);
    expect(proxy.inFlight).toBe(0);
  });

  test.each([
    ["within the trailers", "4\r\nhalf\r\n0\r\nA: b\r\n"],
    ["within the last chunk's line", "4\r\nhalf\r\n0\r"],
    ["behind the first zero of a size", "4\r\nhalf\r\n0"],
  ])("%s, where some take it for complete: what came is passed on, and then a reset", async (_, body) => {
    const proxy = new TestProxy([await saying(`${status}Transfer-Encoding: chunked\r\n\r\n${body}`, true)]);
    const client = await proxy.connect();
    await client.send(get());
    expect((await client.head()).status).toBe(200);
    expect(await client.end()).toBe("reset");
    expect(client.text).toBe(body);
  });

  test.each([
    ["bad chunk size", "4\r\nhalf\r\nzz\r\n", "4\r\nhalf"],
    ["missing CRLF behind a chunk", "4\r\nhalf0\r\n\r\n", "4\r\nhalf"],
    ["chunk size that overflows", "4\r\nhalf\r\nfffffffffffffffff\r\n", "4\r\nhalf"],
    ["trailer without colon", "4\r\nhalf\r\n0\r\nnonsense\r\n\r\n", "4\r\nhalf"],
    ["bad chunk size behind one that was repaired", "4 \r\nhalf\r\nzz\r\n", "4\r\nhalf"],
  ])("%s: the data before it is passed on", async (_, rest, good) => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`${status}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`);
      await server.take(0);
      await Bun.sleep(20);
      await server.send(rest);
    });
    const client = await new TestProxy([backend]).connect();
    await client.send(get());
    await client.head();
    await client.end();
    expect(client.text).toBe(`2\r\nok\r\n${good}`);
  });

  test("a reset in a body until close is no clean end", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`${status}\r\nhalf`);
      await Bun.sleep(30);
      server.reset();
    });
    const client = await new TestProxy([backend]).connect();
    await client.send(get());
    await client.head();
    expect(await client.end()).toBe("reset");
  });

  test("an HTTP/1.0 client, whose body ends with the connection, sees a reset too", async () => {
    const client = await new TestProxy([
      await saying(`${status}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`, true),
    ]).connect();
    await client.send("GET / HTTP/1.0\r\n\r\n");
    await client.head();
    expect(await client.end()).toBe("reset");
  });
});

describe("bytes that nobody asked for", () => {
  /** Answers each request, with `extra` behind the first response of the first connection. */
  const adding = (extra: string, apart: boolean) =>
    Backend.start(async (server: Wire, index) => {
      for (let n = 0; ; n++) {
        const { startLine } = await server.message();
        const more = index === 0 && n === 0 ? extra : "";
        if (apart) await server.send(ok(startLine), more);
        else await server.send(ok(startLine).toString() + more);
      }
    });
  const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

  test.each([
    ["with an answer", false],
    ["after it, on the idle connection", true],
  ])("a second answer %s never reaches another request", async (_, apart) => {
    const backend = await adding(poison, apart);
    const proxy = new TestProxy([backend]);
    expect((await proxy.ask(get("/first"))).body.toString()).toContain("/first");
    await backend.connections[0].end();
    expect((await proxy.ask(get("/second"))).body.toString()).toContain("/second");
    expect(backend.connections.length).toBe(2);
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(1);
  });

  test("a body longer than announced is cut at its announced end", async () => {
    const backend = await Backend.start(async (server) => {
      for (;;) {
        await server.message();
        await server.send(`${status}Content-Length: 4\r\n\r\nfour and more`);
      }
    });
    const proxy = new TestProxy([backend]);
    const client = await proxy.connect();
    for (let i = 0; i < 3; i++) {
      await client.send(get());
      expect((await client.message()).body.toString()).toBe("four");
    }
    expect(client.unread).toBe(0);
    expect(backend.connections.length).toBe(3);
  });

  test("so is a large one, whose memory is used again at once", async () => {
    const large = "x".repeat(300_000);
    const backend = await Backend.start(async (server) => {
      for (;;) {
        await server.message();
        await server.send(`${status}Content-Length: ${large.length}\r\n\r\n${large}and more`);
      }
    });
    const proxy = new TestProxy([backend]);
    const client = await proxy.connect();
    for (let i = 0; i < 5; i++) {
      await client.send(get());
      expect((await client.message()).body.toString() === large).toBe(true);
    }
    expect(client.unread).toBe(0);
    expect(backend.connections.length).toBe(5);
  });

  test("a body behind HEAD, 204 or 304 is not taken for the next answer", async () => {
    for (const [method, head] of [
      ["HEAD", `${status}Content-Length: 6\r\n\r\n`],
      ["GET", "HTTP/1.1 304 Not Modified\r\n\r\n"],
      ["GET", "HTTP/1.1 204 No Content\r\n\r\n"],
    ]) {
      const backend = await Backend.start(async (server, index) => {
        for (;;) {
          const { startLine } = await server.message();
          await server.send(index === 0 ? `${head}poison` : ok(startLine));
        }
      });
      const proxy = new TestProxy([backend]);
      const client = await proxy.connect();
      await client.send(get("/", "", method));
      await client.message({ noBody: true });
      await client.send(get("/next"));
      expect((await client.message()).body.toString()).toContain("/next");
      expect(client.unread).toBe(0);
    }
  });

  test("an answer before its request was asked for is not used", async () => {
    const backend = await Backend.start(async (server) => {
      await server.send(poison); // as soon as it is connected
      await server.message();
      await server.send(ok("right"));
    });
    const proxy = new TestProxy([backend]);
    const [one, two] = [await proxy.connect(), await proxy.connect()];
    await one.send(get());
    const first = await one.message();
    // On a fresh connection it cannot be told from a fast answer; but it must stay the only one of its connection.
    expect(first.status).toBe(200);
    await backend.connections[0].end();
    await two.send(get());
    await two.message();
    expect(backend.connections.length).toBe(2);
  });
});
