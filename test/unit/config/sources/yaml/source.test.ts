/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what users write */
/** The configuration file: what it means, and what is said of what it cannot mean. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type LoadResult, loadConfig } from "../../../../../src/config/load.ts";
import { environmentSource } from "../../../../../src/config/sources/environment.ts";
import { yamlFileSource } from "../../../../../src/config/sources/yaml/source.ts";
import { loadStorageConfig } from "../../../../../src/config/storage.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-yaml-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const PATH = join(directory, "n.yaml");

function sourcesOf(content: string | Uint8Array, env: Record<string, string> = {}) {
  writeFileSync(PATH, content);
  return [environmentSource(env), yamlFileSource(PATH, (name) => env[name])];
}

function load(content: string | Uint8Array, env: Record<string, string> = {}): LoadResult {
  return loadConfig(sourcesOf(content, env));
}

/** The problems with `n.yaml` for the path. */
function problemsOf(content: string | Uint8Array, env: Record<string, string> = {}): string[] {
  const loaded = load(content, env);
  return loaded.ok ? [] : loaded.problems.map((problem) => problem.replaceAll(PATH, "n.yaml"));
}

function configOf(content: string, env: Record<string, string> = {}) {
  const loaded = load(content, env);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config;
}

const S = "servers: [http://a:1]\n";

describe("values", () => {
  test("servers have weights and capacities beside their URLs", () => {
    const { list } = configOf("servers:\n  - http://a:1\n  - {url: http://b:2, weight: 2.5, capacity: 7}\n").servers;
    expect(list.map(({ url, weight, capacity, hardLimit }) => [url, weight, capacity, hardLimit])).toEqual([
      ["http://a:1", 1, 10, 0],
      ["http://b:2", 2.5, 7, 7],
    ]);
  });

  test("lists, mappings, numbers, switches, blocks, quotes and comments are read as their settings read them", () => {
    const config = configOf(`${S}
clients:
  trusted_proxies: [10.0.0.0/8, "fd00::/8"]
retry: { on_status: [502, gateway], attempts: 0 } # none
log: {access: off, format: text}
health:
  headers:
    X-Probe: "1; 2"
    Authorization: 'Bearer a\\b'
  path: >-
    /health
`);
    expect(config.clients.trustedProxies).toEqual(["10.0.0.0/8", "fd00::/8"]);
    expect(config.retry).toMatchObject({ onStatus: [502, 503, 504], attempts: 0 });
    expect(config.log).toMatchObject({ access: false, format: "text" });
    expect(config.health.path).toBe("/health");
    expect(config.health.headers).toEqual([
      { name: "X-Probe", value: "1; 2" },
      { name: "Authorization", value: "Bearer a\\b" },
    ]);
  });

  test("nothing is unset: empty files, sections and values", () => {
    const env = { SERVERS: "http://a:1" };
    for (const text of [
      "",
      "# nothing\n",
      "---\n",
      "null\n",
      "{}",
      "dns:\n",
      "dns: {min_ttl: }",
      "tls: {cert_files: []}",
    ]) {
      expect(configOf(text, env)).toEqual(configOf("", env));
    }
  });

  test("a byte order mark, CRLF and a missing last line end change nothing", () => {
    expect(configOf("\ufeffservers: [http://a:1]\r\napp:\r\n  port: 81").app.port).toBe(81);
    expect(problemsOf("\ufeffservers: [http://a:1]\r\napp:\r\n  port: x")[0]).toStartWith(
      'app.port="x" (n.yaml:3:9): must be a port',
    );
  });

  test("anchors stand for what is above them", () => {
    expect(configOf(`${S}timeouts: {connect: &t 3s, idle: *t}`).timeouts).toMatchObject({
      connectMs: 3000,
      idleMs: 3000,
    });
  });

  test("the environment wins; SERVERS replaces the whole list, and weights of the environment those beside a URL", () => {
    const file = "servers:\n  - {url: http://a:1, weight: 3}\napp: {port: 81}\n";
    expect(configOf(file, { APP_PORT: "82" }).app.port).toBe(82);
    expect(configOf(file, { SERVERS: "http://b:2" }).servers.list).toMatchObject([{ url: "http://b:2", weight: 1 }]);
    expect(configOf(file, { SERVER_WEIGHT_A_1: "5" }).servers.list).toMatchObject([{ url: "http://a:1", weight: 5 }]);
  });

  test("a size without a unit is in bytes", () => {
    expect(configOf(`${S}limits: {max_body: 100}\nstorage: {max_file_size: 67108864}`)).toMatchObject({
      limits: { maxBodyBytes: 100 },
      storage: { maxFileSizeBytes: 67_108_864 },
    });
  });
});

describe("what is in force", () => {
  test("tells line and column, and numbers in the unit of their names", () => {
    const loaded = load("servers:\n  - {url: http://a:1, weight: 3}\ntimeouts:\n  connect: 1.5s\n");
    if (!loaded.ok) throw new Error();
    const of = (name: string) => loaded.effective.find(({ env }) => env === name);
    expect(of("CONNECT_TIMEOUT_MS")).toMatchObject({ value: "1500", written: "1.5s", origin: `${PATH}:4:12` });
    expect(of("SERVER_WEIGHT_a_1")).toMatchObject({ value: "3", origin: `${PATH}:2:31` });
    expect(of("SERVERS")).toMatchObject({ value: "http://a:1", origin: `${PATH}:2:3` });
    expect(of("IDLE_TIMEOUT_MS")).toMatchObject({ value: "75000", origin: "default" });
  });
});

describe("problems", () => {
  test.each([
    ["tims: {}", 'n.yaml:2:1: "tims" is no section; there are servers, dns, '],
    ["timeout: {}", 'n.yaml:2:1: "timeout" is no section; did you mean timeouts?'],
    ["timeouts: {conect: 1s}", 'n.yaml:2:12: timeouts: "conect" is no setting; did you mean connect?'],
    ["timeouts: {requestHead: 1s}", '"requestHead" is no setting; did you mean request_head?'],
    ["timeouts: {interval: 1s}", 'n.yaml:2:12: timeouts: "interval" is no setting; there are connect, '],
    ["timeouts: {interval: 1s}", "; the setting is health.interval"],
    ["tracing: {endpoint: http://c:1}", "; the setting is ml.endpoint or otlp.endpoint or otlp_traces.endpoint"],
    ["tracing: {sampler_arg: 0.1}", '"sampler_arg" is no setting; did you mean sampler_ratio?'],
    ["APP_PORT: 80", "; the setting is app.port"],
    ["? [a, b]\n: c", "n.yaml:2:3: what stands here is no section"],
    ["app: {port: 1, port: 2}", 'n.yaml:2:16: app: "port" is said a second time (first at n.yaml:2:7): remove one'],
    ["servers: []", 'n.yaml:2:1: the file: "servers" is said a second time (first at n.yaml:1:1): remove one'],
    ["timeouts: {connect: 5}", "timeouts.connect (n.yaml:2:21): has no unit: write 5s or 5ms, for example"],
    ["timeouts: {connect: 25h}", 'timeouts.connect="25h" (n.yaml:2:21): must be from 1ms to 24h'],
    ["app: {port: [1]}", "app.port (n.yaml:2:13): must be one value, not a list"],
    ["app: {port: {a: 1}}", "app.port (n.yaml:2:13): must be one value, not a mapping"],
    ["app: [port]", "n.yaml:2:6: app must be a mapping of names to values"],
    ["app: 5", "n.yaml:2:6: app must be a mapping of names to values"],
    ["app: {port: 0x50}", 'app.port="0x50" (n.yaml:2:13): must be a port'],
    ["app: {port: !!int 80}", "app.port (n.yaml:2:19): has a tag (!…): write the value alone"],
    ["app: {port: !x 80}", "has a tag (!…): write the value alone"],
    [
      "app: {port: *nothing}",
      'n.yaml:2:13): begins with "*", by which YAML means an anchor (&…), and there is none above',
    ],
    ["retry: {on_status: [502, 999]}", 'retry.on_status (n.yaml:2:26): entry 2 "999" is neither'],
    ["clients: {trusted_proxies: [10.0.0.1, [x]]}", "(n.yaml:2:39): must be one value, not a list"],
    ["clients: {trusted_proxies: ['10.0.0.1,10.0.0.2']}", "(n.yaml:2:29): has an entry with a comma in it"],
    ["dns: {min_ttl: 2m}", "dns.min_ttl: is longer than dns.max_ttl (dns.min_ttl is at n.yaml:2:16)"],
    ["<<: {app: {port: 1}}", "is a merge key, which YAML 1.2 has not: give each section an alias of its own"],
    ["app:\n\tport: 1", "n.yaml:3:1: has a tab for indentation"],
    ["app: {port: 1", "n.yaml:2:14: "],
    ["log: {level: 'info}", "misses a character before this place"],
    ["app:\n  port: 1\n host: x", "n.yaml:4:"],
    [
      "app: {host: ${HOST}}",
      "n.yaml:2:14: begins a mapping, as YAML sees it: within { } and [ ] put what begins with $ in quotes",
    ],
    ["clients: {trusted_proxies: [10.0.0.1, ${A}, ${B}]}", "n.yaml:2:40: begins a mapping"],
    ["---\na: 1", "n.yaml:2:1: begins a second document"],
    ['log: {level: "\\q"}', "n.yaml:2:15: has an unknown escape"],
    ["log: {level: @x}", "n.yaml:2:14: begins with a character that means something in YAML"],
  ])("%j", (text, problem) => {
    const problems = problemsOf(S + text);
    expect(problems.filter((one) => one.includes(problem))).toHaveLength(1);
  });

  test.each([
    ["servers:\n  - a:1\n  - http://b:1", 'servers (n.yaml:2:5): entry 1 "a:1" has no scheme: write http://a:1'],
    ["servers:\n  - weight: 2", "servers[0] (n.yaml:2:5): has no url"],
    [
      "servers:\n  - {url: http://a:1, wieght: 2}",
      'servers[0] (n.yaml:2:23): "wieght" is no setting; did you mean weight?',
    ],
    ["servers:\n  - {url: http://a:1, weight: 0}", 'servers[0].weight="0" (n.yaml:2:31): must be a number'],
    ["servers:\n  - {url: http://a:1, url: http://b:1}", "servers[0].url (n.yaml:2:23): is said a second time"],
    ["servers:\n  - {url: dns+srv://_a._tcp.b, weight: 2}", "cannot be: SRV records carry weights of their own"],
    ["servers:\n  -\n  - http://a:1", "servers (n.yaml:2:"],
    ["servers: {url: http://a:1}", "must be a list of servers"],
    ["%YAML 1.1\n---\nservers: http://a:1", "n.yaml:1:1: must be YAML 1.2"],
    ["just text", "n.yaml:1:1: the file must be a mapping"],
    ["- a\n- b", "n.yaml:1:1: the file must be a mapping"],
  ])("%j", (text, problem) => {
    expect(problemsOf(text).some((one) => one.includes(problem))).toBe(true);
  });

  test("all are told at once, and what may stand in an unreadable file is not called missing", () => {
    expect(problemsOf(`${S}app: {port: x, nothing: 1}\ndns: {min_ttl: 1}\nhealthy: {}`)).toHaveLength(4);
    expect(problemsOf("servers: [http://a:1", { TLS_CERT_FILE: "a" })).toHaveLength(1);
    expect(problemsOf("servers: [http://a:1", { APP_PORT: "x" })).toHaveLength(2);
  });
});

describe("files that are none", () => {
  test.each([
    ["UTF-16", Buffer.from("\ufeffservers: x", "utf16le"), "n.yaml:1:1: is text in UTF-16: save it as UTF-8"],
    ["Latin-1", Buffer.from(`${S}log: {level: "\u00e9"}`, "latin1"), "n.yaml:2:15: is not UTF-8 from here on"],
    ["10 MB", Buffer.alloc(10_000_000, "a: 1\n"), "n.yaml: is larger than 1024 KiB"],
    ["nested too deeply", "[".repeat(100_000), "is nested more deeply than any setting"],
    ["nested too deeply in blocks", "- ".repeat(60_000), "is nested more deeply than any setting"],
  ])("%s", (_, content, problem) => {
    expect(problemsOf(content)).toEqual([expect.stringContaining(problem)]);
  });

  test("a missing file and a directory", () => {
    const read = (path: string) => yamlFileSource(path, () => undefined).read().problems;
    expect(read(join(directory, "none.yaml"))).toEqual([expect.stringMatching(/none\.yaml: there is no such file$/)]);
    expect(read(directory)).toEqual([`${directory}: cannot be read: it is a directory`]);
    expect(read("/dev/zero")).toEqual(["/dev/zero: is larger than 1024 KiB: that is no file of settings"]);
  });

  test("thousands of problems and of aliases are cut short", () => {
    const many = problemsOf(S + Array.from({ length: 2000 }, (_, i) => `k${i}: 1\n`).join(""));
    expect(many).toHaveLength(51);
    expect(many[50]).toBe("n.yaml: has 1950 more problems like these");
    const aliases = problemsOf(`${S}log: {level: &l info}\nclients: {trusted_proxies: [${"*l,".repeat(2000)}]}`);
    expect(aliases.some((one) => one.includes("is one alias (*…) too many: the most is 100"))).toBe(true);
  });

  test("an alias within itself and aliases of aliases cost nothing", () => {
    expect(problemsOf(`${S}clients: {trusted_proxies: &a [*a]}`)).toEqual([expect.stringContaining("not a list")]);
    const bomb = Array.from({ length: 20 }, (_, i) => `  x${i}: &x${i} [${`*x${i - 1},`.repeat(i && 9)}]`).join("\n");
    expect(problemsOf(`${S}app:\n${bomb}\n  port: *x19`).at(-1)).toContain("must be one value, not a list");
  });
});

test("whatever stands in it is read or refused, with its place", () => {
  const parts = [
    "\t",
    " ",
    "\n",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!x ",
    "'",
    '"',
    "|\n",
    "#",
    "${A}",
    "---\n",
    "~",
  ];
  const text = `${S}log: {level: info}\nhealth:\n  headers: {A: b}\n  path: /x\nclients:\n  trusted_proxies: [10.0.0.1]\n`;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(text.length), fc.constantFrom(...parts)), { maxLength: 4 }), (edits) => {
      const edited = edits.reduce((old, [at, part]) => old.slice(0, at) + part + old.slice(at), text);
      for (const problem of problemsOf(edited)) expect(problem).toMatch(/n\.yaml(:\d+:\d+)?\b|^SERVERS: is required/);
    }),
    { numRuns: 200 },
  );
});

describe("secrets", () => {
  const SECRET = "correct-horse-battery-staple";
  const secretFile = join(directory, "token");
  writeFileSync(secretFile, `${SECRET}\n`);
  const inFull = (loaded: LoadResult) => JSON.stringify(loaded.ok ? { ...loaded, config: null } : loaded);

  test("come from variables and from files, and are not shown", () => {
    for (const [written, env] of [
      ["${TOKEN}", { TOKEN: SECRET }],
      [`file:${secretFile}`, {}],
      ["file:${DIR}/token", { DIR: directory }],
    ] as const) {
      const loaded = load(`${S}admin: {token: "${written}"}`, env);
      if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
      expect(loaded.config.admin.token).toBe(SECRET);
      expect(inFull(loaded)).not.toContain("horse");
    }
    const headers = configOf(`${S}health: {headers: {Authorization: "file:${secretFile}"}}`).health.headers;
    expect(headers).toEqual([{ name: "Authorization", value: SECRET }]);
  });

  test("what stands in any value by reference is shown as it is written, in problems, too", () => {
    const good = load(`${S}log: {format: "\${F}"}`, { F: "text" });
    if (!good.ok) throw new Error();
    expect(good.config.log.format).toBe("text");
    expect(good.effective.find(({ env }) => env === "LOG_FORMAT")?.value).toBe("${F}");
    for (const text of [
      'app: {port: "${X}"}',
      'health: {path: "x${X}"}',
      'clients: {trusted_proxies: ["10.0.0.1", "${X}"]}',
      'servers: ["${X}"]',
      'servers: [{url: http://a:1, weight: "${X}"}]',
      'admin: {token: "${X}"}',
      'health: {headers: {"X": "a\n${X}"}}',
    ]) {
      const loaded = load(text.startsWith("servers") ? text : S + text, { X: "hunter2" });
      expect(loaded.ok).toBe(false);
      expect(inFull(loaded)).not.toContain("hunter2");
    }
  });

  test("a value that stands in the file is not repeated where it is secret", () => {
    for (const text of [
      "admin: {token: hunter2}",
      "admin: hunter2",
      "admin: [hunter2]",
      "admin: {hunter2 hunter2: }",
      "admin: {token: {hunter2: x}}",
      'admin: {token: "hunter2}',
    ]) {
      const loaded = load(S + text);
      expect(loaded.ok).toBe(false);
      expect(inFull(loaded).replace(/there are .*/, "")).not.toContain("hunter2");
    }
  });

  test.each([
    ["${NOPE}", "(n.yaml:2:16): names ${NOPE}, which is set neither in the environment nor in .env"],
    ["${NOPE:-x}", "has a ${ that begins no ${NAME}"],
    ["${NOPE", "has a ${ that begins no ${NAME}"],
    ["file:/nowhere/x", "names a file that has no secret to give: /nowhere/x: there is no such file"],
    [`file:${directory}`, "it is a directory"],
  ])("%s", (written, problem) => {
    expect(problemsOf(`${S}admin: {token: "${written}"}`)).toEqual([expect.stringContaining(problem)]);
  });

  test("$${ is no reference, and a dollar sign is one", () => {
    expect(configOf(`${S}health: {path: "/$\${X}$1"}`).health.path).toBe("/${X}$1");
  });

  test("a command that does not read a setting does not miss its secret", () => {
    const loaded = loadStorageConfig(sourcesOf(`admin: {token: "\${NOPE}"}\nstorage: {data_dir: ./x}`));
    expect(loaded).toMatchObject({ ok: true, config: { storage: { dataDir: "./x" } } });
  });
});
