/**
 * A `ws` client that sends what a tunnel may stumble over and prints what came back as JSON. For Node.js.
 *   websocket-client.mjs <url> [<file of the authority to trust>]
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { WebSocket } from "ws";

const [url, caFile] = process.argv.slice(2);
const socket = new WebSocket(url, { ca: caFile && readFileSync(caFile), servername: caFile && "localhost" });
const hash = (data) => createHash("sha256").update(data).digest("hex");
const waiting = [];
socket.on("message", (data, isBinary) => waiting.shift()({ data, isBinary }));
await once(socket, "open");

/** Whether `data` comes back as it was sent. An `error` event, which nobody handles, ends this process. */
async function echoes(data) {
  const answered = new Promise((resolve) => waiting.push(resolve));
  socket.send(data);
  const answer = await answered;
  return hash(answer.data) === hash(data) && answer.isBinary === Buffer.isBuffer(data);
}

const result = { text: await echoes("grüße"), empty: await echoes("") };
result.large = await echoes(randomBytes(8_000_000));
// All sent before the first response is read.
result.burst = (await Promise.all(Array.from({ length: 1000 }, (_, i) => echoes(`message ${i}`)))).every(Boolean);
const ponged = once(socket, "pong");
socket.ping("are you there");
result.pong = String((await ponged)[0]);
socket.close(4321, "good bye");
const [code] = await once(socket, "close");
result.close = code;
console.log(JSON.stringify(result));
