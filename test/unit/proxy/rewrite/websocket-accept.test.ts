import { expect, test } from "bun:test";
import { webSocketAccept } from "../../../../src/proxy/rewrite/websocket-accept.ts";

test("the example of RFC 6455 section 1.3", () => {
  expect(webSocketAccept("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});
