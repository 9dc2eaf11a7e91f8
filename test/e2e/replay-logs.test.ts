/** Logs that real proxies wrote of real requests, in the formats of docs/replay.md, as replay reads them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "../../src/replay/reading/logs/read-log.ts";
import { blocksOf } from "../support/doc-blocks.ts";
import { freePort } from "../support/ports/free-port.ts";
import { Daemon, Scratch } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { describeWith, pathOf } from "./support/programs.ts";

const SLOW_MS = 40;
const CALM = 60;
/** Asked for slow answers one after the other, errors, and what the proxy answers itself. */
const SLOW = 6;
const FAILING = 4;
const LOCAL = 3;

let scratch: Scratch;
/** Three servers, of which nobody listens at the last. */
let servers: { port: number; stop?: () => void }[];

beforeAll(async () => {
  scratch = new Scratch();
  const start = () => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async ({ url }) => {
        const { pathname } = new URL(url);
        if (pathname.startsWith("/slow")) await Bun.sleep(SLOW_MS);
        return new Response("ok", { status: pathname === "/fail" ? 500 : 200 });
      },
    });
    return { port: server.port!, stop: () => void server.stop(true) };
  };
  servers = [start(), start(), { port: freePort() }];
});

afterAll(() => {
  for (const { stop } of servers) stop?.();
  scratch.remove();
});

/** All requests of a test, one after the other, so that it is known what there must be. */
async function traffic(port: number): Promise<void> {
  const ask = async (path: string) => {
    await (await fetch(`http://127.0.0.1:${port}${path}`)).arrayBuffer();
    await Bun.sleep(3); // logs have whole milliseconds: without a pause one may seem to begin before the last has ended
  };
  for (let i = 0; i < CALM; i++) await ask(`/items/${i}?page=2`);
  for (let i = 0; i < SLOW; i++) await ask("/slow");
  for (let i = 0; i < FAILING; i++) await ask("/fail");
  for (let i = 0; i < LOCAL; i++) await ask("/local");
}

async function recorded(format: string, file: string, since: number) {
  const options = { pool: null, strategy: null, random: Math.random };
  const { recording, notes } = await readLog({
    ...options,
    format,
    files: [file],
    sinceMs: since - 1000,
    untilMs: Number.POSITIVE_INFINITY,
  });
  return { recording, notes: notes.join("\n") };
}

type Read = Awaited<ReturnType<typeof recorded>>;

/** What holds for all of them. */
function expectTraffic({ recording, notes }: Read, since: number): void {
  const { requests, classes } = recording;
  expect(notes).not.toContain("cannot be read");
  expect(requests.atMs).toHaveLength(CALM + SLOW + FAILING);
  const ofClass = (name: string) => [...requests.class.keys()].filter((i) => classes[requests.class[i]] === name);
  expect(ofClass("GET /items/:id")).toHaveLength(CALM);
  expect(ofClass("GET /slow")).toHaveLength(SLOW);
  for (const i of ofClass("GET /slow")) expect(requests.latencyMs[i]).toBeGreaterThanOrEqual(SLOW_MS - 5);
  for (const i of ofClass("GET /fail")) expect(requests.failed[i]).toBe(1);
  expect([...requests.failed].reduce((a, b) => a + b, 0)).toBe(FAILING);
  expect([...requests.server].every((server) => server >= 0)).toBe(true);
  // One after the other: no server ever had another request.
  expect([...requests.inFlight].every((count) => count === 0)).toBe(true);
  expect([...requests.atMs].every((ms, i) => i === 0 || ms >= requests.atMs[i - 1])).toBe(true);
  expect(recording.startMs).toBeGreaterThanOrEqual(since - 2000);
  expect(recording.startMs + recording.durationMs).toBeLessThanOrEqual(Date.now() + 1000);
}

describeWith(["nginx"], "nginx", () => {
  const formats = blocksOf("docs/replay.md").filter(({ language }) => language === "nginx");

  test("docs/replay.md has two formats", () => expect(formats).toHaveLength(2));

  for (const [index, { text }] of formats.entries()) {
    test(`format ${index + 1} of docs/replay.md`, async () => {
      const home = scratch.file(`nginx-${index}`);
      for (const name of ["", "t1", "t2", "t3", "t4", "t5"]) mkdirSync(join(home, name));
      const log = join(home, "replay.log");
      const port = freePort();
      const listed = servers.map((server) => `server 127.0.0.1:${server.port} max_fails=0;`).join(" ");
      const format = text.replace(/access_log .*;/, `access_log ${log} replay;`);
      const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (of, i) => `${of}_temp_path ${home}/t${i + 1};`,
      );
      writeFileSync(
        join(home, "nginx.conf"),
        `daemon off; pid ${home}/nginx.pid; worker_processes 1; ${process.getuid?.() === 0 ? "user root;" : ""}
         events { worker_connections 256; }
         http {
           ${places.join(" ")}
           ${format}
           upstream app { ${listed} }
           server {
             listen 127.0.0.1:${port};
             location / { proxy_pass http://app; }
             location /local { return 200 "x"; }
           }
         }`,
      );
      const nginx = new Daemon([pathOf("nginx"), "-p", home, "-c", join(home, "nginx.conf"), "-e", "stderr"]);
      try {
        await until(async () => (await fetch(`http://127.0.0.1:${port}/local`).catch(() => null))?.ok);
        const since = Date.now();
        await traffic(port);
        const lines = 1 + CALM + SLOW + FAILING + LOCAL; // with the question above
        await until(() => readFileSync(log, "utf8").split("\n").length > lines);
        const read = await recorded("nginx", log, since);
        expectTraffic(read, since);
        expect(read.notes).toContain(`${1 + LOCAL} requests were answered without a server`);
        // A third of the requests were sent to the server that is not there first.
        expect(read.notes).toContain("were sent more than once");
        expect(read.recording.source).toBe("nginx log replay.log, pool app");
        expect(read.recording.servers).toHaveLength(2);
      } finally {
        expect(await nginx.stop()).toBe(0);
      }
    });
  }
});

describeWith(["haproxy"], "HAProxy", () => {
  test("the format of docs/replay.md", async () => {
    const block = blocksOf("docs/replay.md").find(({ language }) => language === "haproxy")!;
    const port = freePort();
    const file = scratch.file("haproxy.cfg");
    const listed = servers.map(
      (server, i) => `server s${i + 1} 127.0.0.1:${server.port}${i === 0 ? " check inter 100ms" : ""}`,
    );
    writeFileSync(
      file,
      `${block.text}
  timeout connect 10s
  timeout check 60s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch 1
frontend web
  bind 127.0.0.1:${port}
  http-request return status 200 if { path /local }
  default_backend app
backend app
  balance roundrobin
  ${listed.join("\n  ")}
`,
    );
    const haproxy = new Daemon([pathOf("haproxy"), "-db", "-f", file]);
    try {
      await until(async () => (await fetch(`http://127.0.0.1:${port}/local`).catch(() => null))?.ok);
      const before = () => haproxy.stdout.split("\n").filter((line) => line.includes("GET ")).length;
      const asked = await until(before);
      const since = Date.now();
      await traffic(port);
      await until(() => before() >= asked + CALM + SLOW + FAILING + LOCAL);
      servers[0].stop?.();
      await until(() => haproxy.stdout.includes("Server app/s1 is DOWN"));
      await fetch(`http://127.0.0.1:${port}/items/last`);
      await until(() => haproxy.stdout.includes("/items/last"));
      const log = scratch.file("haproxy.log");
      // Without the question above, and with what syslog puts before each line.
      const lines = haproxy.stdout.trimEnd().split("\n").slice(asked);
      const last = lines.findIndex((line) => line.includes("/items/last"));
      writeFileSync(
        log,
        lines
          .toSpliced(last, 1)
          .map((line) => `Nov 29 21:29:50 web1 haproxy[1]: ${line}\n`)
          .join(""),
      );
      const read = await recorded("haproxy", log, since);
      expectTraffic(read, since);
      expect(read.notes).toContain(`${LOCAL} requests were answered without a server`);
      expect(read.notes).toContain("were sent more than once");
      expect(read.recording.source).toBe("HAProxy log haproxy.log, pool app");
      expect(read.recording.servers.map(({ name }) => name)).toEqual(["s1", "s2"]);
      expect(read.recording.absences).toHaveLength(1);
      expect(read.recording.absences[0]).toMatchObject({ server: 0, toMs: read.recording.durationMs });
    } finally {
      haproxy.process.kill("SIGUSR1");
      await haproxy.stop();
    }
  });
});
