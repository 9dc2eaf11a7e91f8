/** Calls of gRPC-Web: a browser's, whose trailers are the last frame of the body. */
import { afterEach, describe, expect, test } from "bun:test";
import { Http2Wire, settings } from "../../../support/http2/wire.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";

afterEach(cleanUp);

const PATH = "/echo.Echo/Unary";
const MESSAGE = 0x00;
const TRAILERS = 0x80;

/** A frame: a flag, a length of four bytes, and what it is of. */
function frame(flag: number, content: string): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, Buffer.from(content, "latin1")]);
}

const QUESTION = frame(MESSAGE, "\x00\xffasked\r\n");
const ANSWER = Buffer.concat([frame(MESSAGE, "\x00\xfeanswered\r\n"), frame(TRAILERS, "grpc-status:0\r\n")]);

describe.each(["application/grpc-web+proto", "application/grpc-web-text"])("%s", (type) => {
  const fields = `Content-Type: ${type}\r\nX-Grpc-Web: 1\r\n`;

  async function serve() {
    const asked: { head: string; body: Buffer }[] = [];
    const backend = await Backend.answering(({ head, body }) => {
      asked.push({ head, body });
      return ok(ANSWER, `Content-Type: ${type}\r\n`);
    });
    return { asked, proxy: new TestProxy([backend]) };
  }

  test("passes over HTTP/1.1 as it is", async () => {
    const { asked, proxy } = await serve();
    const head = get(PATH, `${fields}Content-Length: ${QUESTION.length}\r\n`, "POST");
    const { head: answer, body } = await proxy.ask(Buffer.concat([Buffer.from(head), QUESTION]));
    expect(asked[0].body).toEqual(QUESTION);
    expect(asked[0].head.toLowerCase()).toContain(`content-type: ${type}\r\nx-grpc-web: 1`);
    expect(answer).toContain(`Content-Type: ${type}`);
    expect(body).toEqual(ANSWER);
  });

  test("passes over HTTP/2 as it is", async () => {
    const { asked, proxy } = await serve();
    const client = await Http2Wire.connect(proxy.port, settings());
    client.request({ method: "POST", path: PATH, fields: [["content-type", type]], body: QUESTION });
    const { status, body } = await client.response(1);
    expect(asked[0].body).toEqual(QUESTION);
    expect([status, Buffer.from(body, "latin1")]).toEqual([200, ANSWER]);
    client.close();
  });

  test("is told of an error of ours in the head, where its clients look for one without messages", async () => {
    const proxy = new TestProxy([]);
    const head = get(PATH, `${fields}Content-Length: 0\r\n`, "POST");
    const { status, head: answer } = await proxy.ask(head);
    expect(status).toBe(200);
    expect(answer.toLowerCase()).toContain("grpc-status: 14\r\n");
  });
});
