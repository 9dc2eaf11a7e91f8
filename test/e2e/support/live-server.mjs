/**
 * A server for Node.js (whose `ws` is the real package; Bun has one of its own):
 *   GET /events   an event stream: five events, 50 ms apart, then silence until the client leaves
 *   GET /slow     a chunked answer: `tick 0` … `tick 4`, one every 150 ms
 *   /socket       a WebSocket that echoes
 *   /health       200
 */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const server = createServer((request, response) => {
  if (request.url === "/events") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    repeat(response, 50, (i) => `id: ${i}\ndata: event ${i}\n\n`);
  } else if (request.url === "/slow") {
    response.writeHead(200, { "content-type": "text/plain" });
    repeat(
      response,
      150,
      (i) => `tick ${i}\n`,
      () => response.end(),
    );
  } else {
    response.writeHead(request.url === "/health" ? 200 : 404).end();
  }
});

function repeat(response, everyMs, text, done = () => {}) {
  let i = 0;
  const timer = setInterval(() => {
    response.write(text(i));
    if (++i < 5) return;
    clearInterval(timer);
    done();
  }, everyMs);
  response.on("close", () => clearInterval(timer));
}

const sockets = new WebSocketServer({ server, path: "/socket", perMessageDeflate: true });
sockets.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`));
});

server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
