/** HTTP/1.0 and 1.1 messages through the proxy: framing, order and ends, both ways. */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, valuesOf, type Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const post = (fields: string, path = "/") => get(path, fields, "POST");
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

async function proxied(script: Parameters<typeof Backend.start>[0]) {
  const backend = await Backend.start(script);
  const proxy = new TestProxy([backend]);
  return { backend, proxy, client: await proxy.connect() };
}

/** Answers every request with its start line. */
async function echoing(body: (startLine: string, body: Buffer) => string | Buffer = (line) => line) {
  const backend = await Backend.answering((request) => ok(body(request.startLine, request.body)));
  const proxy = new TestProxy([backend]);
  return { backend, proxy, client: await proxy.connect() };
}

describe("keep-alive and pipelining", () => {
  test("many requests on one connection use one connection to the server", async () => {
    const { backend, client, proxy } = await echoing();
    for (let i = 0; i < 20; i++) {
      await client.send(get(`/${i}`));
      expect((await client.message()).body.toString()).toBe(`GET /${i} HTTP/1.1`);
    }
    expect(backend.connections.length).toBe(1);
    expect(proxy.counter("UPSTREAM_REUSES")).toBe(19);
  });

  test("pipelined requests are answered in order, whatever the packets", async () => {
    const { client } = await echoing();
    const bytes = Array.from({ length: 30 }, (_, i) => get(`/${i}`)).join("");
    for (let at = 0; at < bytes.length; at += 37) await client.send(bytes.slice(at, at + 37));
    for (let i = 0; i < 30; i++) expect((await client.message()).body.toString()).toContain(`/${i} `);
  });

  test("a request pipelined behind a body is the next request", async () => {
    const { client } = await echoing((line, body) => `${line} ${body}`);
    await client.send(
      `${post("Content-Length: 5\r\n", "/a")}hello${post("Transfer-Encoding: chunked\r\n", "/b")}` +
        `${chunk("wor")}${chunk("ld")}0\r\n\r\n${get("/c")}`,
    );
    expect((await client.message()).body.toString()).toBe("POST /a HTTP/1.1 hello");
    expect((await client.message()).body.toString()).toBe("POST /b HTTP/1.1 world");
    expect((await client.message()).body.toString()).toBe("GET /c HTTP/1.1 ");
  });

  test("Connection: close is honoured, and what is pipelined behind it is not served", async () => {
    const { client, backend } = await echoing();
    await client.send(get("/1", "Connection: close\r\n") + get("/2"));
    const answer = await client.message();
    expect(singleValue(answer, "connection")).toBe("close");
    expect(await client.end()).toBe("end");
    expect(client.unread).toBe(0);
    expect(backend.connections[0].text).not.toContain("/2");
  });

  test("more than the held bytes of pipelined requests make the client wait, and lose nothing", async () => {
    const { client } = await echoing(() => "x");
    const request = get("/", `Padding: ${"p".repeat(900)}\r\n`);
    const count = 400; // about 380 KB
    const sent = client.pump(Buffer.from(request.repeat(count)));
    for (let i = 0; i < count; i++) expect((await client.message()).status).toBe(200);
    await sent;
  });

  test("after MAX_REQUESTS_PER_CONNECTION the connection ends", async () => {
    const { client, proxy } = await echoing();
    proxy.change({ maxRequestsPerConnection: 2 });
    await client.send(get("/1") + get("/2") + get("/3"));
    expect(singleValue(await client.message(), "connection")).toBeUndefined();
    expect(singleValue(await client.message(), "connection")).toBe("close");
    expect(await client.end()).toBe("end");
  });
});

describe("HTTP/1.0 clients", () => {
  test("the connection ends with the answer", async () => {
    const { client, backend } = await echoing();
    await client.send("GET /old HTTP/1.0\r\n\r\n");
    const answer = await client.message();
    expect(answer.startLine).toBe("HTTP/1.1 200 OK");
    expect(singleValue(answer, "connection")).toBe("close");
    expect(answer.body.toString()).toBe("GET /old HTTP/1.1");
    expect(await client.end()).toBe("end");
    expect(backend.connections.length).toBe(1);
  });

  test("a missing Host is filled in with the server's, and Via tells the version", async () => {
    let head = "";
    const { client, backend } = await proxied(async (server) => {
      ({ head } = await server.message());
      await server.send(ok());
    });
    await client.send("GET / HTTP/1.0\r\n\r\n");
    await client.message();
    expect(head).toContain(`\r\nHost: 127.0.0.1:${backend.port}\r\n`);
    expect(head).toContain("\r\nVia: 1.0 neurabalancer\r\n");
  });

  test("keep-alive is granted to those who ask", async () => {
    const { client } = await echoing();
    for (let i = 0; i < 3; i++) {
      await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      expect(singleValue(await client.message(), "connection")).toBe("keep-alive");
    }
  });

  test("a chunked answer reaches them without its coding, to the end of the connection", async () => {
    const { client } = await proxied(async (server) => {
      await server.message();
      await server.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
        "3\r\nabc\r\n",
        "2;e=1\r\n",
        "de\r\n0\r\nX: y\r\n\r\n",
      );
    });
    await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const answer = await client.message();
    expect(valuesOf(answer, "transfer-encoding")).toEqual([]);
    expect(answer.body.toString()).toBe("abcde");
    expect(client.ended).toBe("end");
  });

  test("they get no interim responses, and their Expect means nothing", async () => {
    let head = "";
    const { client } = await proxied(async (server) => {
      ({ head } = await server.message());
      await server.send(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok("done").toString()}`);
    });
    await client.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    expect((await client.message()).status).toBe(200);
    expect(head.toLowerCase()).not.toContain("expect");
  });
});

describe("bodies", () => {
  const sizes = [0, 1, 16_383, 16_384, 16_385, 65_536, 1_000_000];

  test.each(sizes)("an upload of %i bytes by Content-Length", async (size) => {
    const { client } = await echoing((_, body) => Bun.hash(body).toString());
    const body = Buffer.alloc(size, "nb");
    await client.send(post(`Content-Length: ${size}\r\n`));
    await client.pump(body);
    expect((await client.message()).body.toString()).toBe(Bun.hash(body).toString());
  });

  test.each(sizes)("a download of %i bytes by Content-Length", async (size) => {
    const body = Buffer.alloc(size, "nb");
    const { client } = await echoing(() => body);
    await client.send(get());
    expect(Bun.hash((await client.message()).body)).toBe(Bun.hash(body));
    await client.send(get()); // the connection is still in order
    expect((await client.message()).status).toBe(200);
  });

  test("chunked bodies pass with their framing as it came", async () => {
    const upload = `5;name="a;b"\r\nhello\r\n000a\r\n0123456789\r\n0\r\n\r\n`;
    const download = `3\r\nabc\r\n1;x=y\r\n!\r\n00\r\n\r\n`;
    let got = "";
    const { client } = await proxied(async (server) => {
      for (;;) {
        got = (await server.message()).rawBody.toString();
        await server.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${download}`);
      }
    });
    await client.send(post("Transfer-Encoding: chunked\r\n"), ...upload.split(""));
    expect((await client.message()).rawBody.toString()).toBe(download);
    expect(got).toBe(upload);
    await client.send(get());
    expect((await client.message()).body.toString()).toBe("abc!");
  });

  test("a body until the connection closes", async () => {
    const { client } = await proxied(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 200 OK\r\n\r\none ", "two ", "three");
      server.finish();
    });
    await client.send(get());
    const answer = await client.message();
    expect(answer.body.toString()).toBe("one two three");
    expect(singleValue(answer, "connection")).toBe("close");
    expect(client.ended).toBe("end");
  });

  test("an HTTP/1.0 server's answer", async () => {
    const { client } = await proxied(async (server) => {
      await server.message();
      await server.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi");
      server.finish();
    });
    await client.send(get());
    const answer = await client.message();
    expect(answer.startLine).toBe("HTTP/1.1 200 OK");
    expect(answer.body.toString()).toBe("hi");
    expect(client.ended).toBe(null); // the client's connection lives on
  });

  test("trailers pass both ways", async () => {
    let trailers = "";
    const { client } = await proxied(async (server) => {
      ({ trailers } = await server.message());
      await server.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n1\r\nx\r\n0\r\nDigest: abc\r\nX-Two:  2\r\n\r\n",
      );
    });
    await client.send(`${post("Transfer-Encoding: chunked\r\nTrailer: Sum\r\n")}1\r\nx\r\n0\r\nSum: 1\r\n\r\n`);
    const answer = await client.message();
    expect(answer.trailers).toBe("Digest: abc\r\nX-Two:  2\r\n");
    expect(singleValue(answer, "trailer")).toBe("Digest");
    expect(trailers).toBe("Sum: 1\r\n");
  });

  test("HEAD, 204 and 304 have no body, whatever they announce; who announces one is not asked again there", async () => {
    const { client, backend } = await proxied(async (server) => {
      for (;;) {
        const { startLine } = await server.message();
        if (startLine.startsWith("HEAD")) await server.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
        else if (startLine.includes("204")) await server.send("HTTP/1.1 204 No Content\r\n\r\n");
        else if (startLine.includes("same")) await server.send("HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n");
        else await server.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 700\r\nETag: x\r\n\r\n");
      }
    });
    await client.send(get("/204") + get("/same") + get("/", "", "HEAD") + get("/304") + get("/204"));
    expect((await client.message()).status).toBe(204);
    expect((await client.message()).status).toBe(304);
    expect(backend.connections.length).toBe(1);
    expect(singleValue(await client.message({ noBody: true }), "content-length")).toBe("500");
    expect(singleValue(await client.message(), "content-length")).toBe("700");
    expect((await client.message()).status).toBe(204);
    expect(backend.connections.length).toBe(3);
  });
});

describe("interim responses", () => {
  test("Expect: 100-continue travels to the server, and its 100 back", async () => {
    let early = "";
    const { client } = await proxied(async (server) => {
      const { head } = await server.head();
      early = server.text;
      expect(head).toContain("Expect: 100-continue");
      await server.send("HTTP/1.1 100 Continue\r\n\r\n");
      await server.send(ok((await server.take(5)).toString()));
    });
    await client.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n"));
    expect((await client.message()).status).toBe(100);
    expect(early).toBe("");
    await client.send("hello");
    expect((await client.message()).body.toString()).toBe("hello");
  });

  test("a server that refuses instead ends the matter", async () => {
    const { client } = await proxied(async (server) => {
      await server.head();
      await server.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
    });
    await client.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n"));
    const answer = await client.message();
    expect(answer.status).toBe(417);
    expect(singleValue(answer, "connection")).toBe("close"); // nobody knows whether the body still comes
    expect(await client.end()).toBe("end");
  });

  test("103 is passed on with its fields and without ours", async () => {
    const { client } = await proxied(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x\r\nX: 1\r\n\r\n");
      await server.send(
        "HTTP/1.1 103 Early Hi",
        "nts\r\nLink: </b>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
      );
    });
    await client.send(get());
    const first = await client.message();
    expect(valuesOf(first, "link")).toEqual(["</a>; rel=preload"]);
    expect(valuesOf(first, "x").concat(valuesOf(first, "connection"), valuesOf(first, "date"))).toEqual([]);
    expect(valuesOf(await client.message(), "link")).toEqual(["</b>"]);
    expect((await client.message()).body.toString()).toBe("!");
  });

  test("a flood of them ends in 502", async () => {
    const { client, proxy } = await proxied(async (server) => {
      await server.message();
      for (let i = 0; i < 1000; i++) await server.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    });
    await client.send(get());
    let answer = await client.message();
    let interim = 0;
    for (; answer.status === 103; answer = await client.message()) interim++;
    expect(interim).toBe(16);
    expect(answer.status).toBe(502);
    await eventually(() => proxy.inFlight === 0);
  });
});

describe("ends of connections", () => {
  test("a client that half-closes still gets its answer, where that is wanted", async () => {
    const { client, proxy } = await echoing();
    proxy.change({ clientHalfClose: true });
    await client.send(get("/half"));
    client.finish();
    expect((await client.message()).body.toString()).toContain("/half");
    expect(await client.end()).toBe("end");
  });

  test("half a body and a FIN of a client that may half-close is 400, and the server sees a broken request", async () => {
    const { client, backend, proxy } = await proxied((server: Wire) => server.message());
    proxy.change({ clientHalfClose: true });
    await client.send(`${post("Content-Length: 10\r\n")}half`);
    await eventually(() => backend.received > 0);
    client.finish();
    expect((await client.message()).status).toBe(400);
    expect(await client.end()).toBe("end");
    expect(await backend.connections[0].end()).toBe("reset");
  });

  test("a client that goes away takes its request to the server with it", async () => {
    const { client, backend, proxy } = await proxied((server: Wire) => server.message());
    await client.send(get());
    await eventually(() => backend.received > 0);
    client.reset();
    expect(await backend.connections[0].end()).toBe("reset");
    await eventually(() => proxy.inFlight === 0);
    expect(proxy.counter("CLIENT_ABORTS")).toBe(1);
  });

  test("an early final answer passes while the client is still sending; the connection then ends", async () => {
    const { client } = await proxied(async (server) => {
      await server.head();
      await server.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    });
    await client.send(`${post("Content-Length: 1000\r\n")}some`);
    const answer = await client.message();
    expect(answer.status).toBe(403);
    expect(singleValue(answer, "connection")).toBe("close");
    await client.send("more"); // still taken: no reset may destroy the response on its way
    expect(await client.end()).toBe("end");
  });

  test("an early answer survives a client that first sends all of 32 MB", async () => {
    const { client } = await proxied(async (server) => {
      await server.head();
      await server.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
      await Bun.sleep(10);
      server.destroy();
    });
    await client.send(post("Content-Length: 32000000\r\n"));
    await client.pump(Buffer.alloc(32_000_000));
    expect((await client.message()).status).toBe(413);
  });

  test("answer and request may flow at the same time", async () => {
    const { client } = await proxied(async (server) => {
      await server.head();
      await server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let i = 0; i < 3; i++) await server.send(chunk((await server.take(1)).toString()));
      await server.send("0\r\n\r\n");
    });
    await client.send(post("Content-Length: 3\r\n"));
    await client.head();
    for (const letter of "abc") {
      await client.send(letter);
      expect((await client.takeThrough(`${letter}\r\n`)).toString()).toBe(chunk(letter));
    }
  });

  test("a server that keeps reading after its half-close is not waited for", async () => {
    const { client, backend } = await proxied(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 200 OK\r\n\r\nbye");
      server.finish();
    });
    await client.send(get());
    expect((await client.message()).body.toString()).toBe("bye");
    await backend.connections[0].end();
  });
});

describe("large heads", () => {
  test("a head just under the limit passes, byte by byte or at once; one over it is 431", async () => {
    const { client, proxy } = await echoing(() => "ok");
    const head = (length: number) => {
      const rest = get("/", "P: \r\n").length;
      return get("/", `P: ${"p".repeat(length - rest)}\r\n`);
    };
    await client.send(head(32_768));
    expect((await client.message()).status).toBe(200);
    const pieces = head(32_768).match(/[\s\S]{1,997}/g) ?? [];
    await client.send(...pieces);
    expect((await client.message()).status).toBe(200);
    expect((await proxy.ask(head(32_769))).status).toBe(431);
  });

  test("a response head over the limit is 502", async () => {
    const { client } = await proxied(async (server) => {
      await server.message();
      await server.send(`HTTP/1.1 200 OK\r\nP: ${"p".repeat(33_000)}\r\nContent-Length: 0\r\n\r\n`);
    });
    await client.send(get());
    expect((await client.message()).status).toBe(502);
  });
});
