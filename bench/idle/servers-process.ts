/**
 * Trivial servers, many in one process: each has a loopback address of its own (all of 127.0.0.0/8 is this machine).
 * Started with their number and their port; says `ready` when all listen.
 */
import { serverAddress } from "./addresses.ts";

const [count, port] = process.argv.slice(2).map(Number);
const HEALTHY = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok";
const NOT_FOUND = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
const CLOSE = /^connection: *close/im;

for (let i = 0; i < count; i++) {
  Bun.listen({
    hostname: serverAddress(i),
    port,
    socket: {
      data(socket, data) {
        const request = data.toString("latin1");
        socket.write(request.includes(" /metrics ") ? NOT_FOUND : HEALTHY);
        if (CLOSE.test(request)) socket.end();
      },
    },
  });
}
process.send?.({ type: "ready" });
