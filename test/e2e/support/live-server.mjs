/**
 * A server for Node.js (whose `ws` is the real package; Bun has one of its own):
 *   GET /events   an event stream: five events, 50 ms apart, then silence until the client leaves
 *   GET /held     a chunked answer: `begun`, and `ended` when somebody asks for /release
 *   /socket       a WebSocket that echoes
 *   /health       200
 */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const held = [];
const server = createServer((request, response) => {
  if (request.url === "/events") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    repeat(response, 50, (i) => `id: ${i}\ndata: event ${i}\n\n`);
  } else if (request.url === "/held") {
    response.writeHead(200, { "content-type": "text/plain" });
    response.write("begun\n");
    held.push(response);
  } else if (request.url === "/release") {
    for (const one of held.splice(0)) one.end("ended\n");
    response.end();
  } else {
    response.writeHead(request.url === "/health" ? 200 : 404).end();
  }
});

function repeat(response, everyMs, text) {
  let i = 0;
  const timer = setInterval(() => {
    response.write(text(i));
    if (++i === 5) clearInterval(timer);
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
