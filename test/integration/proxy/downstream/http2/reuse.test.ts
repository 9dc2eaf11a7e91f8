/** Streams serve one request after the other: whatever became of the last one, nothing of it is left for the next. */
import { afterEach, expect, test } from "bun:test";
import { FrameFlag, FrameType as Type } from "../../../../../src/proxy/http2/frames/layout.ts";
import { block, frame, type Http2Wire, integer32, settings } from "../../../../support/http2/wire.ts";
import { cleanUp, eventually, ok } from "../../../../support/proxy-harness.ts";
import { quiet, type Side, scripted } from "./support.ts";

const { END_HEADERS, END_STREAM } = FrameFlag;
const LARGE = "l".repeat(40_000);
const CANCEL = integer32(8);

afterEach(cleanUp);

/** A server whose response says what came, and that does what the path asks for. */
function server(): Promise<Side> {
  return scripted(async (wire) => {
    for (;;) {
      const { head } = await wire.head();
      const [method, path] = head.split(" ");
      if (path === "/early") {
        await wire.send(ok("early"));
        return;
      }
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const isChunked = /transfer-encoding: chunked/i.test(head);
      const body = isChunked ? await wire.takeThrough("\r\n\r\n") : await wire.take(length);
      const told = `${method} ${body.toString("latin1")}`;
      if (path === "/breaks") {
        await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken");
        wire.destroy();
        return;
      }
      const chunk = `${told.length.toString(16)}\r\n${told}\r\n`;
      const chunks = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\nX-Sum: 1\r\n\r\n`;
      if (path === "/trailers") await wire.send(chunks);
      else if (path === "/large") await wire.send(ok(LARGE));
      else if (path !== "/never") await wire.send(ok(method === "HEAD" ? "" : told));
    }
  });
}

/** Requests of every kind. Each is over when it resolves, with what came of it. */
const KINDS: Readonly<Record<string, (client: Http2Wire) => Promise<unknown>>> = {
  GET: (client) => client.ask(),
  HEAD: (client) => client.ask({ method: "HEAD" }),
  "a body of known length": (client) =>
    client.ask({ method: "POST", fields: [["content-length", "5"]], body: "12345" }),
  "a body of unknown length, with trailers": (client) => {
    const { id, bytes } = client.framesOf({ method: "POST", open: true, body: "body" });
    client.send(bytes, frame(Type.HEADERS, END_HEADERS | END_STREAM, id, block([["x-sum", "4"]])));
    return client.response(id);
  },
  "a body that is shorter than was said": (client) =>
    client.ask({ method: "POST", fields: [["content-length", "9"]], body: "12345" }),
  "an early response, and the rest of the request behind it": async (client) => {
    const fields = [["content-length", "10"]] as const;
    const id = client.request({ method: "POST", path: "/early", fields, open: true, body: "12345" });
    const response = await client.response(id);
    client.data(id, "67890", END_STREAM);
    return response;
  },
  "trailers of the response": (client) => client.ask({ path: "/trailers" }),
  "a large response, in small windows": (client) => client.ask({ path: "/large" }),
  "a response that breaks off": (client) => client.ask({ path: "/breaks" }),
  "taken back": async (client) => {
    const id = client.request({ path: "/never" });
    client.send(frame(Type.RST_STREAM, 0, id, CANCEL));
    await client.ping();
    return client.stream(id);
  },
  "a head that is none": async (client) => {
    const id = client.request({ fields: [["connection", "close"]] });
    await eventually(() => client.stream(id).reset >= 0);
    const { fields, ...response } = client.stream(id);
    return { ...response, body: JSON.parse(response.body).error.code };
  },
  "a response of ours": (client) => client.ask({ path: "/health/ready", method: "HEAD" }),
};

test("after a request of any kind, one of any kind is what it would be at first", async () => {
  const side = await server();
  const first: Record<string, unknown> = {};
  const ask = async (client: Http2Wire, kind: string): Promise<unknown> => {
    const came = await KINDS[kind](client);
    // Until the turn is over in which it ended.
    await client.ping();
    return JSON.stringify(came, (key, value) => (key === "fields" ? [...value.keys()].sort() : value));
  };
  for (const kind of Object.keys(KINDS)) {
    const client = await side.connect(settings([4, 1000]));
    first[kind] = await ask(client, kind);
    client.close();
    await quiet(side);
  }
  for (const before of Object.keys(KINDS)) {
    const client = await side.connect(settings([4, 1000]));
    for (const kind of Object.keys(KINDS)) {
      await ask(client, before);
      expect({ before, kind, came: await ask(client, kind) }).toEqual({ before, kind, came: first[kind] });
    }
    client.close();
  }
  await quiet(side);
});
