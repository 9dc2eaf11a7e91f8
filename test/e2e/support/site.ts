/** The site that the servers serve. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Scripts, style sheets and pictures of the page, in equal parts. */
export const SUB_RESOURCES = 30;

/** `hello.txt` of the site. */
export const HELLO = "hello from behind the balancer\n";

/** `large.txt` of the site: compresses well, and is not one packet. */
export const LARGE = "0123456789abcdef".repeat(20_000);

/**
 * Writes a site to `root`: texts, a health check, and `page/`, whose script leaves what it saw in `window.report`.
 * The page speaks to `/live/` beside it.
 */
export function writeSite(root: string): void {
  mkdirSync(join(root, "page"), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(root, name), text);
  write("health", "ok\n");
  write("hello.txt", HELLO);
  write("large.txt", LARGE);
  const tags: string[] = [];
  for (let i = 0; i < SUB_RESOURCES / 3; i++) {
    write(`page/script-${i}.js`, `(window.scripts ??= []).push(${i});\n// ${"x".repeat(i * 3000)}\n`);
    write(`page/style-${i}.css`, `.box-${i} { width: ${100 + i}px; }\n`);
    write(`page/picture-${i}.svg`, `<svg xmlns="http://www.w3.org/2000/svg" width="${10 + i}" height="8"/>\n`);
    tags.push(`<link rel="stylesheet" href="style-${i}.css">`);
    tags.push(`<script src="script-${i}.js"></script><img src="picture-${i}.svg"><div class="box-${i}"></div>`);
  }
  write(
    "page/index.html",
    `<!doctype html><link rel="icon" href="data:,"><body>${tags.join("\n")}\n${REPORT}</body>\n`,
  );
}

const REPORT = `<script>
const events = () => new Promise((resolve, reject) => {
  const source = new EventSource("/live/events");
  const seen = [];
  source.onmessage = ({ data }) => { if (seen.push(data) === 5) { source.close(); resolve(seen); } };
  source.onerror = () => reject(new Error("event stream broke after " + seen));
});
const echo = () => new Promise((resolve, reject) => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/live/socket");
  const seen = [];
  socket.onopen = () => { socket.send("first"); socket.send("x".repeat(100000)); };
  socket.onmessage = ({ data }) => { if (seen.push(data.length) === 2) socket.close(1000, "enough"); };
  socket.onclose = ({ code, wasClean }) => resolve({ seen, code, wasClean });
  socket.onerror = () => reject(new Error("WebSocket failed"));
});
const post = async () => (await fetch("/echo?from=page", { method: "POST", body: "posted by a browser" })).text();
addEventListener("load", async () => {
  try {
    const [heard, echoed, posted] = await Promise.all([events(), echo(), post()]);
    const boxes = [...document.querySelectorAll("div")].map((box) => box.offsetWidth);
    const pictures = [...document.images].map((picture) => picture.naturalWidth);
    window.report = { scripts: window.scripts, boxes, pictures, events: heard, echo: echoed, post: posted };
  } catch (error) {
    window.report = { error: String(error) };
  }
});
</script>`;
