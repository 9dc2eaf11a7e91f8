/** The link to a real Redis: what it gives, and which words there are for what is wrong. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RedisClient } from "bun";
import { openRedis, type RedisLink } from "../../../../src/cluster/redis/link.ts";
import { RedisError } from "../../../../src/cluster/redis/redis-error.ts";
import type { RedisPlace } from "../../../../src/protocol/redis-place.ts";
import { type Authority, createAuthority } from "../../../support/certificates.ts";
import { placeFrom } from "../../../support/databases/redis/place.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { until } from "../../../support/until.ts";

const PASSWORD = "p:a@s/s word";
const ECHO = "return ARGV[1]";
const COUNT = "return redis.call('INCR', KEYS[1])";

let redis: RedisServer;
let secure: RedisServer;
let authority: Authority;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  if (!hasRedis) return;
  authority = createAuthority();
  const { cert, key } = authority.issue("DNS:localhost", "IP:127.0.0.1");
  redis = await RedisServer.start(PASSWORD);
  secure = await RedisServer.start(null, { cert, key, ca: authority.cert });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  await redis?.remove();
  await secure?.remove();
});

function linkTo(place: RedisPlace): RedisLink {
  const link = openRedis(place);
  ends.push(() => link.close());
  return link;
}

function settingsOfTls({ addr, directory }: RedisServer): Record<string, string> {
  return { REDIS_ADDR: addr, REDIS_TLS: "on", REDIS_TLS_CA_FILE: join(directory, "ca-cert.pem") };
}

/** What it says of a question that cannot be answered. */
async function errorOf(asked: Promise<unknown>): Promise<RedisError> {
  const error = await asked.then(
    (answer) => new Error(`it was answered: ${answer}`),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(RedisError);
  return error as RedisError;
}

const errorAt = (place: RedisPlace): Promise<RedisError> => errorOf(linkTo(place).eval(ECHO, ["key"], ["x"]));

describe.skipIf(!hasRedis)("a link to Redis", () => {
  test("gives numbers, texts and arrays; what Redis has not heard of yet is sent whole", async () => {
    const link = linkTo(redis.place());
    expect(await link.eval("return {1, ARGV[1], {KEYS[1], 2}, false}", ["key"], ["größe"])).toEqual([
      1,
      "größe",
      ["key", 2],
      null,
    ]);
    expect(await link.eval(ECHO, [], ["twice"])).toBe("twice");
  });

  test("gives and takes bytes as they are", async () => {
    const link = linkTo(redis.place());
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const within = new Uint8Array([7, ...bytes, 7]).subarray(1, 257);
    const answer = (await link.evalBytes("return {ARGV[1], #ARGV[1]}", [], [within])) as [Uint8Array, number];
    expect(new Uint8Array(answer[0])).toEqual(bytes);
    expect(answer[1]).toBe(256);
  });

  test("uses the database that is set", async () => {
    const other = linkTo(redis.place({ db: 3 }));
    await linkTo(redis.place()).eval(COUNT, ["apart"], []);
    expect(await other.eval(COUNT, ["apart"], [])).toBe(1);
  });

  test("speaks TLS by name and by address, with an authority of one's own", async () => {
    for (const addr of [`localhost:${secure.port}`, secure.addr]) {
      const place = placeFrom({ ...settingsOfTls(secure), REDIS_ADDR: addr });
      expect(await linkTo(place).eval(ECHO, [], ["x"])).toBe("x");
    }
  });

  test("a wrong password, a missing one and one too many are told apart from a server that is gone", async () => {
    const wrong = await errorAt(redis.place({ password: "another" }));
    expect([wrong.kind, wrong.message]).toEqual(["auth", expect.stringContaining("check REDIS_PASSWORD")]);
    expect(wrong.message).not.toContain("another");
    const none = await errorAt(redis.place({ password: null }));
    expect([none.kind, none.message]).toEqual(["auth", `${redis.addr} wants a password: set REDIS_PASSWORD`]);
    const user = await errorAt(redis.place({ username: "nobody" }));
    expect(user.kind).toBe("auth");
    const open = await RedisServer.start();
    ends.push(() => open.remove());
    const many = await errorAt(open.place({ password: "x" }));
    expect([many.kind, many.message]).toEqual(["auth", expect.stringContaining("has no password although")]);
    await open.kill();
    const gone = await errorAt(open.place());
    expect([gone.kind, gone.message]).toEqual(["refused", expect.stringContaining("is Redis running there?")]);
    const lost = await errorAt(open.place({ addrs: ["nowhere.invalid:6379"] }));
    expect([lost.kind, lost.message]).toEqual(["refused", expect.stringContaining("cannot be resolved")]);
  });

  test("says what is wrong with TLS, and which certificate", async () => {
    const plain = await errorAt(secure.place({ tls: null }));
    expect([plain.kind, plain.message]).toEqual(["refused", expect.stringContaining("does it speak TLS alone")]);
    const files = { caFile: null, certFile: null, keyFile: null };
    const strange = await errorAt(secure.place({ tls: files }));
    expect([strange.kind, strange.message]).toEqual(["tls", expect.stringContaining("REDIS_TLS_CA_FILE")]);
    expect(strange.message).toContain(secure.addr);
    const missing = await errorAt(secure.place({ tls: { ...files, caFile: "/nowhere.pem" } }));
    expect([missing.kind, missing.message]).toEqual(["tls", "REDIS_TLS_CA_FILE: cannot read /nowhere.pem (ENOENT)"]);
    const { cert, key } = authority.issue("DNS:elsewhere.test");
    const named = await RedisServer.start(null, { cert, key, ca: authority.cert });
    ends.push(() => named.remove());
    const other = await errorAt(named.place());
    expect([other.kind, other.message]).toEqual(["tls", expect.stringContaining("is for other names")]);
    const old = authority.issueExpired("IP:127.0.0.1");
    const expired = await RedisServer.start(null, { cert: old.cert, key: old.key, ca: authority.cert });
    ends.push(() => expired.remove());
    const dated = await errorAt(expired.place());
    expect([dated.kind, dated.message]).toEqual(["tls", expect.stringContaining("is out of date")]);
  });

  test("shows a certificate of its own where one is asked for", async () => {
    const { cert, key } = authority.issue("IP:127.0.0.1");
    const strict = await RedisServer.start(null, { cert, key, ca: authority.cert }, ["--tls-auth-clients", "yes"]);
    ends.push(() => strict.remove());
    const refused = await errorAt(strict.place());
    expect(["tls", "refused"]).toContain(refused.kind);
    const own = authority.issue("DNS:balancer.test");
    const [certFile, keyFile] = ["own.pem", "own.key"].map((name) => join(strict.directory, name));
    writeFileSync(certFile, own.cert);
    writeFileSync(keyFile, own.key);
    const files = { REDIS_TLS_CERT_FILE: certFile, REDIS_TLS_KEY_FILE: keyFile };
    const place = placeFrom({ ...settingsOfTls(strict), ...files });
    expect(await linkTo(place).eval(ECHO, [], ["x"])).toBe("x");
  });

  test("a replica, a full one, data of another kind, a broken script and a missing database have words of their own", async () => {
    const full = await RedisServer.start(null, null, ["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    ends.push(() => full.remove());
    const link = linkTo(full.place());
    const crowded = await errorOf(link.eval(COUNT, ["key"], []));
    expect([crowded.kind, crowded.message]).toEqual(["full", expect.stringContaining("maxmemory")]);
    expect(await link.eval(ECHO, [], ["still there"])).toBe("still there");

    const replica = await RedisServer.start(null, null, ["--replicaof", "127.0.0.1", "1"]);
    ends.push(() => replica.remove());
    const written = await errorOf(linkTo(replica.place()).eval(COUNT, ["key"], []));
    expect([written.kind, written.message]).toEqual(["readonly", expect.stringContaining("is a replica")]);

    const mine = linkTo(redis.place());
    await mine.eval("return redis.call('RPUSH', KEYS[1], 'x')", ["list"], []);
    const kind = await errorOf(mine.eval(COUNT, ["list"], []));
    expect([kind.kind, kind.message]).toEqual(["script", expect.stringContaining("data of another kind")]);
    const broken = await errorOf(mine.eval("return nothing.here", [], []));
    expect([broken.kind, broken.message]).toEqual(["script", expect.stringContaining("the script failed")]);
    const nonsense = await errorOf(mine.eval("return return", [], []));
    expect(nonsense.kind).toBe("script");
    expect(await mine.eval(ECHO, [], ["still there"])).toBe("still there");

    const db = await errorAt(redis.place({ db: 9999 }));
    expect([db.kind, db.message]).toEqual(["other", expect.stringContaining("check REDIS_DB")]);
  });

  test("a user may be allowed what it needs and nothing else", async () => {
    const admin = new RedisClient(`redis://:${encodeURIComponent(PASSWORD)}@${redis.addr}`);
    ends.push(() => admin.close());
    const rights = ["~neurabalancer:*", "+eval", "+evalsha", "+incr"];
    await admin.send("ACL", ["SETUSER", "balancer", "on", ">secret", ...rights]);
    const login = { REDIS_USERNAME: "balancer", REDIS_PASSWORD: "secret" };
    const link = linkTo(placeFrom({ REDIS_ADDR: redis.addr, ...login }));
    expect(await link.eval(COUNT, ["neurabalancer:1:x"], [])).toBe(1);
    const denied = await errorOf(link.eval("return redis.call('SET', KEYS[1], 1)", ["neurabalancer:1:x"], []));
    expect(["auth", "script"]).toContain(denied.kind);
  });

  test("one that hangs is given up with its connection, and asked again over another when it answers", async () => {
    const own = await RedisServer.start();
    ends.push(() => own.remove());
    const link = linkTo(own.place());
    await link.eval(COUNT, ["key"], []);
    process.kill(own.pid, "SIGSTOP");
    ends.unshift(() => process.kill(own.pid, "SIGCONT"));
    const [hung, beside] = await Promise.all([0, 1].map(() => errorOf(link.eval(COUNT, ["key"], []))));
    expect(beside.kind).toBe("timeout");
    expect([hung.kind, hung.message]).toEqual(["timeout", `${own.addr}: no answer within 400 ms`]);
    const again = await errorOf(link.eval(COUNT, ["key"], []));
    expect([again.kind, again.message]).toEqual(["timeout", `${own.addr}: no connection within 400 ms`]);
    process.kill(own.pid, "SIGCONT");
    await until(() =>
      link.eval(ECHO, [], ["x"]).then(
        (answer) => answer === "x",
        () => false,
      ),
    );
  });

  test("who stands still himself does not take that for silence", async () => {
    const link = linkTo(redis.place());
    for (let i = 0; i < 3; i++) {
      await link.eval(ECHO, [], ["x"]);
      const asked = link.eval(ECHO, [], ["read late"]);
      await Bun.sleep(0); // it is sent
      Bun.sleepSync(700);
      expect(await asked).toBe("read late");
    }
  });

  test("one that is ended and started again is found again; 300 times over nothing is left behind", async () => {
    const own = await RedisServer.start();
    ends.push(() => own.remove());
    const link = linkTo(own.place());
    await link.eval(ECHO, [], ["x"]);
    await own.kill();
    expect((await errorOf(link.eval(ECHO, [], ["x"]))).kind).toBe("refused");
    const before = descriptors();
    for (let i = 0; i < 150; i++) expect((await errorOf(link.eval(ECHO, [], ["x"]))).kind).toBe("refused");
    await own.start();
    for (let i = 0; i < 150; i++) {
      const one = openRedis(own.place());
      expect(await one.eval(ECHO, [], ["x"])).toBe("x");
      one.close();
    }
    await until(() => descriptors() <= before + 3);
    expect(await link.eval(ECHO, [], ["x"])).toBe("x");
  });

  test.each([
    ["another protocol", "other", () => "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["bytes that mean nothing", "other", () => "\0\x01\xff\r\n"],
    ["more answers than questions", "other", () => "+PONG\r\n+PONG\r\n+PONG\r\n"],
    ["an answer without an end", "timeout", greeted("$99999999999999\r\nx")],
    // How deep the library gets before its stack ends is not always the same.
    ["arrays in arrays", "timeout|other", greeted("*1\r\n".repeat(20_000))],
    ["more than there can be", "timeout", greeted("*4294967295\r\n:1\r\n")],
  ] as const)("a stranger that says %s does no harm", async (_, kind, say) => {
    const server = Bun.listen<{ turns: number }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          socket.data = { turns: 0 };
        },
        data(socket) {
          socket.write(say(socket.data.turns++));
        },
      },
    });
    ends.push(() => server.stop(true));
    const link = linkTo(redis.place({ addrs: [`127.0.0.1:${server.port}`], password: null }));
    for (let i = 0; i < 2; i++) expect(kind.split("|")).toContain((await errorOf(link.eval(ECHO, [], ["x"]))).kind);
  });

  test("what is closed is asked nothing more", async () => {
    const link = openRedis(redis.place());
    await link.eval(ECHO, [], ["x"]);
    link.close();
    expect((await errorOf(link.eval(ECHO, [], ["x"]))).message).toBe("the link to Redis is closed");
  });
});

/** It greets as Redis does, and says this then. */
function greeted(then: string): (turn: number) => string {
  return (turn) => (turn === 0 ? "+PONG\r\n" : then);
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
