/**
 * Asks tokens-server.mjs over HTTP/2 and looks at every byte of what comes, for Node.js. Streams of each connection overlap; some
 * are cancelled on the way, some read slowly. Prints JSON: how many ended in which way, and what was somebody else's.
 *   tokens-client.mjs <url> <connections> <requests of each> <seed>
 */
import { connect, constants } from "node:http2";

const [url, connections, requests, seed] = process.argv.slice(2);
const AT_ONCE = 40;
const counts = { whole: 0, cut: 0, cancelled: 0, refused: 0 };
const wrong = [];
let state = Number(seed);

/** A number below `bound`, by the seed. */
function random(bound) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
}

function nextToken() {
  return Array.from({ length: 16 }, () => "0123456789abcdef"[random(16)]).join("");
}

/** One request and its response. */
function ask(session) {
  const token = nextToken();
  const way = ["length", "chunks", "length", "chunks", "cut"][random(5)];
  const bytes = [0, 1, 100, 5000, 70_000, 300_000][random(6)];
  const upload = [0, 0, 0, 3, 16, 1600, 100_000][random(7)];
  const cancels = random(6) === 0;
  const reads = random(4) === 0 ? "slowly" : "at once";
  return new Promise((resolve) => {
    const stream = session.request(
      {
        ":path": `/${token}?bytes=${bytes}&way=${way}`,
        ":method": upload > 0 ? "POST" : "GET",
        "x-token": token,
        cookie: token,
        ...(random(2) === 0 && upload > 0 && { "content-length": upload }),
      },
      { endStream: upload === 0 },
    );
    let received = 0;
    let status = 0;
    const blame = (what) => wrong.push(`${token} ${way} ${bytes}: ${what}`);
    stream.on("response", (fields) => {
      status = fields[":status"];
      if (status === 200 && fields["x-token"] !== token) blame(`the head of ${fields["x-token"]}`);
      if (status === 200 && fields["x-received"] !== String(upload))
        blame(`${fields["x-received"]} of ${upload} bytes`);
      if (cancels) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on("data", (piece) => {
      const text = piece.toString("latin1");
      if (status === 200 && text !== expected(token, received, piece.length)) blame(`other bytes at ${received}`);
      if (status === 200 && received + piece.length > bytes) blame(`${received + piece.length} bytes`);
      if (status === 500) blame(text);
      received += piece.length;
      if (reads === "slowly") {
        stream.pause();
        setImmediate(() => stream.resume());
      }
    });
    stream.on("error", () => {});
    stream.on("close", () => {
      if (cancels) counts.cancelled++;
      else if (status !== 200) counts.refused++;
      else if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) counts.cut++;
      else if (received === bytes && way !== "cut") counts.whole++;
      else blame(`ended after ${received} bytes as if that were all`);
      resolve();
    });
    if (upload === 0) return;
    const body = Buffer.alloc(upload, token);
    const half = random(upload);
    stream.write(body.subarray(0, half));
    setImmediate(() => stream.end(body.subarray(half)));
  });
}

function expected(token, at, length) {
  const start = at % token.length;
  return token.repeat(Math.ceil((start + length) / token.length)).slice(start, start + length);
}

async function connection() {
  const session = connect(url, { rejectUnauthorized: false });
  session.on("error", (error) => wrong.push(`the connection: ${error.message}`));
  session.on("goaway", (code) => code !== 0 && wrong.push(`the connection: GOAWAY ${code}`));
  let left = Number(requests);
  const lane = async () => {
    while (left-- > 0 && !session.closed && !session.destroyed) await ask(session);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  session.close();
}

await Promise.all(Array.from({ length: Number(connections) }, connection));
console.log(JSON.stringify({ counts, wrong: wrong.slice(0, 20) }));
