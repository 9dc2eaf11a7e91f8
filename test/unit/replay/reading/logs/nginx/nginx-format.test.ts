/** Lines that nginx 1.22 wrote, in both formats of docs/replay.md. */
import { describe, expect, test } from "bun:test";
import { emptyLine, type LogLine } from "../../../../../../src/replay/reading/logs/log-format.ts";
import { attemptsOf, isServerAddress } from "../../../../../../src/replay/reading/logs/nginx/attempts.ts";
import { NGINX_FORMAT } from "../../../../../../src/replay/reading/logs/nginx/nginx-format.ts";

interface Upstream {
  readonly status?: string;
  readonly addr: string;
  readonly us: string;
  readonly uht: string;
  readonly urt: string;
}

const json = ({ status = "200", addr, us, uht, urt }: Upstream) =>
  `{"msec":"1795987790.354","request_time":"0.102","request_method":"GET","request_uri":"/slow?x=1","status":"${status}","proxy_host":"app","upstream_addr":"${addr}","upstream_status":"${us}","upstream_header_time":"${uht}","upstream_response_time":"${urt}"}`;
const combined = ({ status = "200", addr, us, uht, urt }: Upstream) =>
  `127.0.0.1 - - [29/Nov/2026:21:29:50 +0000] "GET /slow?x=1 HTTP/1.1" ${status} 3 "-" "a\\x22b" msec=1795987790.354 rt=0.102 upstream="app" ua="${addr}" us="${us}" uht="${uht}" urt="${urt}"`;

function read(line: string): LogLine {
  const into = emptyLine();
  expect(NGINX_FORMAT.read(line, into)).toBeNull();
  return into;
}

describe.each([
  ["JSON", json],
  ["the combined format with fields", combined],
] as const)("%s", (_, line) => {
  test("one attempt: it arrived when it ended, less what it took", () => {
    const one = read(line({ addr: "10.0.0.1:80", us: "200", uht: "0.098", urt: "0.100" }));
    expect(one).toMatchObject({ kind: "request", pool: "app", server: "10.0.0.1:80", method: "GET" });
    expect(one).toMatchObject({ target: "/slow?x=1", waitMs: 0, latencyMs: 98, failed: false, attempts: 1 });
    expect(one.atMs).toBeCloseTo(1795987790252, 3);
  });

  test("several attempts: the last server counts, the time of the others is waiting", () => {
    const one = read(line({ addr: "10.0.0.9:80, [::1]:81", us: "502, 200", uht: "-, 0.053", urt: "0.040, 0.053" }));
    expect(one).toMatchObject({ server: "[::1]:81", waitMs: 40, latencyMs: 53, failed: false, attempts: 2 });
  });

  test("groups after an internal redirect, and a socket's path", () => {
    const one = read(
      line({
        addr: "10.0.0.1:80, 10.0.0.2:80 : unix:/run/a.sock",
        us: "500, 200 : 200",
        uht: "0.001, 0.002 : 0.003",
        urt: "0.001, 0.002 : 0.004",
      }),
    );
    expect(one).toMatchObject({ server: "unix:/run/a.sock", waitMs: 3, latencyMs: 3, attempts: 3 });
  });

  test("no server was left after the last: that one failed it", () => {
    const one = read(
      line({
        status: "502",
        addr: "10.0.0.2:80, 10.0.0.1:80, app",
        us: "500, 500, 502",
        uht: "0.002, 0.004, -",
        urt: "0.002, 0.004, 0.000",
      }),
    );
    expect(one).toMatchObject({ server: "10.0.0.1:80", failed: true, waitMs: 2, latencyMs: 4, attempts: 2 });
  });

  test("no server at all", () => {
    const one = read(line({ status: "502", addr: "app", us: "502", uht: "-", urt: "0.000" }));
    expect(one).toMatchObject({ kind: "request", server: "", failed: true });
  });

  test("answered by nginx itself", () => {
    const empty = line === json ? "" : "-";
    expect(read(line({ addr: empty, us: empty, uht: empty, urt: empty })).kind).toBe("local");
  });

  test("a server's error under an error page of nginx is a failure; a client that left is none", () => {
    expect(read(line({ addr: "10.0.0.1:80", us: "503", uht: "0.001", urt: "0.001" })).failed).toBe(true);
    const gone = read(line({ status: "499", addr: "10.0.0.1:80", us: "-", uht: "-", urt: "0.100" }));
    expect(gone).toMatchObject({ failed: false, abandoned: true, latencyMs: 100 });
  });
});

test.each([
  ['{"msec":"1.5","request_time":"0.1"', "it is not JSON"],
  ['{"request_time":"0.1","status":"200"}', "it does not say $msec"],
  ['{"msec":"1.5","request_time":"-","status":"200"}', "it does not say $request_time"],
  ['{"msec":"soon","request_time":"0.1","status":"200"}', '$msec is "soon"'],
  ['{"msec":"1.5","request_time":"0.1","status":"2xx"}', '$status is "2xx"'],
  [
    '{"msec":"1.5","request_time":"0.1","status":"200","upstream_addr":"a:1, b:2","upstream_response_time":"1"}',
    "has 2 attempts",
  ],
  ["null", "neither JSON nor"],
  ['127.0.0.1 - - [29/Nov/2026:21:29:50 +0000] "GET / HTTP/1.1" 200 3 "-" "curl"', "it does not say $msec"],
])("%s: %s", (line, problem) => {
  expect(NGINX_FORMAT.read(line, emptyLine())).toContain(problem);
});

test("numbers in JSON may be numbers", () => {
  const line =
    '{"msec":1795987790.354,"request_time":0.1,"status":200,"request":"POST /a HTTP/1.1","upstream_addr":"a:1","upstream_status":"200","upstream_response_time":0.05}';
  expect(read(line)).toMatchObject({ method: "POST", target: "/a", latencyMs: 50, pool: "" });
});

test("lists and addresses", () => {
  expect(attemptsOf("a:1, b:2 : c:3")).toEqual(["a:1", "b:2", "c:3"]);
  expect(attemptsOf("-")).toEqual([]);
  expect(["10.0.0.1:80", "[::1]:80", "unix:/x", "app", "app.example"].map(isServerAddress)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("a long word behind the combined format is given up soon", () => {
  const line = `a b c [d] "GET / HTTP/1.1" 200 1 "-" "-" ${"a".repeat(60_000)}`;
  expect(NGINX_FORMAT.read(line, emptyLine())).toContain("$msec"); // half a minute, if a name were looked for from each letter on
});
