/** What a WebSocket's client is given as proof that its server speaks the protocol (RFC 6455 section 1.3). */
import { createHash } from "node:crypto";

const PROTOCOL_ID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`. */
export function webSocketAccept(key: string): string {
  return createHash("sha1").update(key).update(PROTOCOL_ID).digest("base64");
}
