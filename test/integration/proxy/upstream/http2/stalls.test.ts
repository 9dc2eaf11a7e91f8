/** Connections whose server withholds their window: requests that come behind get another one. */
import { afterEach, describe, expect, test } from "bun:test";
import { MAX_STALLED, STALL_MS } from "../../../../../src/proxy/upstream/http2/bounds.ts";
import { get } from "../../../../support/proxy-harness.ts";
import { until } from "../../../../support/until.ts";
import { Wire } from "../../../../support/wire.ts";
import { bodyOf, closeAll, closing, echo, proxyTo, serve } from "./support.ts";

afterEach(closeAll);

const INITIAL_WINDOW_SIZE = 4;

describe("a server that withholds the window of a connection", () => {
  const WINDOW = 65_535;
  const put = (path: string, bytes: number) =>
    `PUT ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${"x".repeat(bytes)}`;

  /** Streams may have more than their connection. Those that ask for it are served; connections on which others are stand still. */
  async function withholding() {
    const server = await serve({ [INITIAL_WINDOW_SIZE]: 1 << 20 });
    const proxy = proxyTo([server]);
    server.onStream = (stream) => {
      if (stream.field(":path") === "/standing") stream.peer.givesBack = false;
      else echo(stream);
    };
    /** An upload that takes all of its connection's window, and waits for more. */
    const standing = async () => {
      const client = await Wire.connect(proxy.port);
      closing.push(() => client.destroy());
      const before = server.streams.length;
      await client.send(put("/standing", WINDOW + 1000));
      const stream = await until(() => server.streams[before]);
      await until(() => stream.bodyBytes === WINDOW);
      return { client, stream };
    };
    /** Resolves when others get another connection. */
    const avoided = () =>
      until(async () => {
        const before = server.connections.length;
        expect((await proxy.ask(get("/other"))).status).toBe(200);
        return server.connections.length > before;
      });
    return { server, proxy, standing, avoided };
  }

  test("holds up what is on it, and no other request", async () => {
    const { server, proxy, standing, avoided } = await withholding();
    const { client, stream } = await standing();
    await avoided();
    expect(proxy.counter("UPSTREAM_STALLS")).toBe(1);
    expect(bodyOf(await proxy.ask(put("/upload", 1000)))).toBe("/upload");
    expect(server.connections).toHaveLength(2);
    // What stood still goes on where it was, and others may join it.
    stream.peer.goOn();
    await until(() => stream.ended === "end");
    expect(stream.bodyBytes).toBe(WINDOW + 1000);
    echo(stream);
    expect(bodyOf(await client.message())).toBe("/standing");
    expect(proxy.memory.workers[0].failures[0]).toBe(0);
  });

  test("gets four connections at most for it", async () => {
    const { server, proxy, standing, avoided } = await withholding();
    await standing();
    while (server.connections.length < MAX_STALLED) {
      await avoided();
      await standing();
    }
    for (const end = performance.now() + 3 * STALL_MS; performance.now() < end; ) {
      expect(bodyOf(await proxy.ask(get("/other")))).toBe("/other");
    }
    expect(server.connections).toHaveLength(MAX_STALLED);
    expect(proxy.counter("UPSTREAM_STALLS")).toBe(MAX_STALLED - 1);
  });
});
