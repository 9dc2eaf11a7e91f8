/**
 * Runs under Node: reads connections with Node's own strict parser (llhttp) through the public interface, a duplex
 * stream handed to an http.Server or an http.request. One JSON line of cases in, one JSON line of results out.
 */
import http from "node:http";
import { createInterface } from "node:readline";
import { Duplex } from "node:stream";

/** A connection that takes everything and says only what is pushed. */
class Wire extends Duplex {
  _read() {}
  _write(_chunk, _encoding, done) {
    done();
  }
  setTimeout() {}
  setNoDelay() {}
  setKeepAlive() {}
  ref() {}
  unref() {}
}

const server = http.createServer({
  insecureHTTPParser: false,
  requestTimeout: 0,
  headersTimeout: 0,
  keepAliveTimeout: 0,
  joinDuplicateHeaders: false,
});
server.timeout = 0;
const onRequest = (req, res) => {
  const message = open(req, `${req.method} ${req.url}`);
  message.keepAlive = res.shouldKeepAlive;
  req.socket.messages.push(message);
};
server.on("request", onRequest);
server.on("checkContinue", onRequest);
server.on("checkExpectation", onRequest);
server.on("clientError", (error, socket) => {
  socket.failure ??= error.code ?? String(error);
});

function open(incoming, start) {
  const message = { start, fields: incoming.rawHeaders, keepAlive: false, body: "", incoming };
  incoming.on("data", (chunk) => {
    message.body += chunk.toString("latin1");
  });
  incoming.on("error", () => {});
  return message;
}

function wire() {
  const socket = new Wire();
  socket.messages = [];
  socket.failure = null;
  socket.on("error", () => {});
  return socket;
}

function readRequests(bytes) {
  const socket = wire();
  server.emit("connection", socket);
  socket.push(bytes);
  return socket;
}

function readResponse(bytes, method) {
  const socket = wire();
  const request = http.request({ method, createConnection: () => socket, insecureHTTPParser: false });
  const onHead = (head) => {
    const { messages } = socket;
    messages.push({
      start: String(head.statusCode),
      fields: head.rawHeaders,
      keepAlive: true,
      body: "",
      incoming: { complete: true },
    });
  };
  request.on("information", onHead);
  request.on("continue", () => {});
  request.on("upgrade", onHead);
  request.on("connect", onHead);
  request.on("response", (res) => {
    const message = open(res, String(res.statusCode));
    // It judges a response to HEAD before it is told that there is no body to wait for.
    message.keepAlive = request.shouldKeepAlive || method === "HEAD";
    socket.messages.push(message);
  });
  request.on("error", (error) => {
    socket.failure ??= error.code ?? String(error);
  });
  // Without an agent it would close after any response; the parser may still say that it must.
  request.shouldKeepAlive = true;
  request.end();
  // The parser is attached to the socket in the next tick.
  setImmediate(() => socket.push(bytes));
  return socket;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

for await (const line of createInterface({ input: process.stdin })) {
  const sockets = JSON.parse(line).map(({ method, data }) => {
    const bytes = Buffer.from(data, "base64");
    return method === null ? readRequests(bytes) : readResponse(bytes, method);
  });
  for (let i = 0; i < 5; i++) await turn();
  const results = sockets.map(({ messages, failure }) => ({
    failure,
    messages: messages.map(({ incoming, ...message }) => ({ ...message, complete: incoming.complete })),
  }));
  for (const socket of sockets) socket.destroy();
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
