/**
 * A server whose every answer says whose it is, for Node.js. A request has one token in its path, its fields, its cookie and all
 * over its body; the response has it in a field and all over its body. Requests in which tokens are mixed get status 500.
 *   tokens-server.mjs <http or h2c>
 */
import * as http from "node:http";
import * as http2 from "node:http2";

const [protocol] = process.argv.slice(2);

function answer(request, response) {
  const url = new URL(request.url, "http://server");
  const token = url.pathname.slice(1);
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("error", () => {});
  response.on("error", () => {});
  request.on("end", () => {
    const body = Buffer.concat(pieces).toString("latin1");
    const said = [request.headers["x-token"], request.headers.cookie, ...(body.match(/.{1,16}/gs) ?? [])];
    const mixed = said.find((each) => !token.startsWith(each));
    if (mixed !== undefined) {
      response.writeHead(500, { "x-token": token }).end(`${mixed} in the request of ${token}`);
      return;
    }
    const bytes = Number(url.searchParams.get("bytes"));
    const content = Buffer.alloc(bytes, token);
    const fields = { "x-token": token, "x-received": String(body.length) };
    const way = url.searchParams.get("way");
    if (way === "length") {
      response.writeHead(200, { ...fields, "content-length": bytes });
      response.end(content);
    } else if (way === "chunks") {
      response.writeHead(200, fields);
      for (let at = 0; at < bytes; at += 5000) response.write(content.subarray(at, at + 5000));
      response.end();
    } else {
      // It breaks off, or announces more than it has.
      response.writeHead(200, { ...fields, "content-length": bytes + 1 });
      response.write(content, () => (response.stream ?? request.socket).destroy());
    }
  });
}

const server = protocol === "h2c" ? http2.createServer(answer) : http.createServer(answer);
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
