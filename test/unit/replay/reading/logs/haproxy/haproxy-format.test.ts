/** Lines that HAProxy 2.6 wrote, and some of its manual. */
import { expect, test } from "bun:test";
import { haproxyFormat } from "../../../../../../src/replay/reading/logs/haproxy/haproxy-format.ts";
import { emptyLine, type LogLine } from "../../../../../../src/replay/reading/logs/log-format.ts";

const SYSLOG = "Nov 29 21:29:50 web1 haproxy[14389]: ";
const MIDNIGHT = new Date(2026, 10, 29).getTime();
const AT = MIDNIGHT + ((21 * 60 + 29) * 60 + 50) * 1000 + 479;

const line = (
  server: string,
  timers: string,
  status: string,
  state: string,
  retries: string,
  request = "GET /a/1 HTTP/1.1",
) =>
  `127.0.0.1:48498 [29/Nov/2026:21:29:50.479] web~ ${server} ${timers} ${status} 117 - - ${state} 1/1/0/0/${retries} 0/0 {127.0.0.1:18900|x} {} "${request}"`;

function read(text: string): LogLine {
  const into = emptyLine();
  expect(haproxyFormat().read(text, into)).toBeNull();
  return into;
}

test.each(["", SYSLOG, "<134>", "2026-11-29T21:29:50+01:00 web1 haproxy[1]: "])("behind %j", (prefix) => {
  expect(read(`${prefix}${line("app/s2", "10/0/30/69/109", "200", "----", "0")}`)).toMatchObject({
    kind: "request",
    pool: "app",
    server: "s2",
    method: "GET",
    target: "/a/1",
    atMs: AT + 10,
    waitMs: 0,
    latencyMs: 99,
    failed: false,
    abandoned: false,
    attempts: 1,
  });
});

test("the queue is waiting; retries count, also to another server; +logasap", () => {
  const one = read(line("app/s1", "0/250/0/60/+310", "200", "----", "+2"));
  expect(one).toMatchObject({ waitMs: 250, latencyMs: 60, attempts: 3 });
});

test("no response: all the time that was left", () => {
  const one = read(line("app/s3", "5/10/-1/-1/1015", "503", "SC--", "2"));
  expect(one).toMatchObject({ server: "s3", failed: true, waitMs: 10, latencyMs: 1000 });
  expect(read(line("app/s3", "0/0/0/-1/50", "504", "sH--", "0"))).toMatchObject({ failed: true, latencyMs: 50 });
});

test("a server's own error is a failure, and a response that breaks off", () => {
  expect(read(line("app/s1", "0/0/2/4/6", "500", "----", "0")).failed).toBe(true);
  expect(read(line("app/s1", "0/0/2/4/6", "200", "SD--", "0")).failed).toBe(true);
  expect(read(line("app/s1", "0/0/2/4/6", "404", "----", "0")).failed).toBe(false);
});

test("a client that left", () => {
  const one = read(line("app/s1", "0/0/0/-1/20", "-1", "CH--", "0"));
  expect(one).toMatchObject({ abandoned: true, failed: false, latencyMs: 20 });
});

test("without a server: none was there, or the queue was too long; and what HAProxy answered itself", () => {
  expect(read(line("app/<NOSRV>", "0/100/-1/-1/100", "503", "sQ--", "0"))).toMatchObject({
    kind: "request",
    server: "",
    failed: true,
  });
  expect(read(line("app/<NOSRV>", "0/0/-1/-1/0", "503", "SC--", "0"))).toMatchObject({ kind: "request", server: "" });
  expect(read(line("web/<NOSRV>", "-1/-1/-1/-1/0", "400", "PR--", "0", "<BADREQ>")).kind).toBe("local");
  expect(read(line("web/<NOSRV>", "0/-1/-1/-1/0", "302", "LR--", "0")).kind).toBe("local");
});

test("option httpslog has more behind the request; a long request is cut off", () => {
  const whole = line("app/s1", "0/0/2/4/6", "200", "----", "0");
  expect(read(`${whole} 0/0000000000000000/0/0/0 shop.example/TLSv1.3/TLS_AES_128_GCM_SHA256`).target).toBe("/a/1");
  expect(read(whole.slice(0, -12)).target).toBe("/a");
});

test("servers that go and come; what else it says", () => {
  const down = `${SYSLOG}Server app/s1 is DOWN, reason: Layer4 connection problem, info: "Connection refused".`;
  expect(read(down)).toMatchObject({ kind: "down", pool: "app", server: "s1" });
  expect(read("Backup Server app/s1 is UP, reason: Layer4 check passed.")).toMatchObject({ kind: "up", server: "s1" });
  expect(read(`${SYSLOG}Proxy app started.`).kind).toBe("other");
});

test("a request in another format is a problem, and a date that is none", () => {
  const into = emptyLine();
  const tcp = "127.0.0.1:48498 [29/Nov/2026:21:29:50.479] web app/s2 0/0/4 117 -- 1/1/0/0/0 0/0";
  expect(haproxyFormat().read(tcp, into)).toContain("option httplog");
  const undated = line("app/s1", "0/0/2/4/6", "200", "----", "0").replace("50.479", "50");
  expect(haproxyFormat().read(undated, into)).toContain("29/Nov/2026:21:29:50.479");
});

test("a long line that looks like the beginning of many requests is given up soon", () => {
  expect(haproxyFormat().read(`a ${"x:1 [ ".repeat(9_000)}`, emptyLine())).toBeNull(); // hours, if each were read to the end
});
