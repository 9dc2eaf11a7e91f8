/** The cookie that names a server: what it says, who believes it, and how keys are changed. */
import { describe, expect, test } from "bun:test";
import { StickyCookie, type StickySettings } from "../../../../src/proxy/pick/sticky-cookie.ts";
import { request } from "../support.ts";

const SETTINGS: StickySettings = {
  stickyCookie: "lb",
  stickyKeys: ["0123456789abcdef"],
  stickyMaxAgeMs: 0,
  stickySameSite: "lax",
  stickySecure: "auto",
};

const SERVERS = [
  { slot: 4, id: 11, url: "http://a.example:8080", address: "192.0.2.1" },
  { slot: 2, id: 12, url: "http://a.example:8080", address: "192.0.2.2" },
  { slot: 7, id: 13, url: "http://b.example:8080", address: "192.0.2.1" },
];

function cookie(settings: Partial<StickySettings> = {}, servers = SERVERS): StickyCookie {
  const made = StickyCookie.of({ ...SETTINGS, ...settings });
  if (made === null) throw new Error("there is none");
  made.setServers(servers);
  return made;
}

function lineOf(sticky: StickyCookie, id: number, secure = false): string | undefined {
  return sticky.lineFor(id, { secure })?.toString("latin1");
}

function valueFor(sticky: StickyCookie, id: number): string {
  return /lb=([^;]*);/.exec(lineOf(sticky, id) ?? "")?.[1] ?? "";
}

function find(sticky: StickyCookie, ...fields: string[]) {
  const lines = fields.map((field) => `Cookie: ${field}\r\n`).join("");
  const { buf, head } = request(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
  return sticky.find(buf, head);
}

test("there is none without a name or without keys", () => {
  expect(StickyCookie.of({ ...SETTINGS, stickyCookie: null })).toBeNull();
  expect(StickyCookie.of({ ...SETTINGS, stickyKeys: null })).toBeNull();
});

describe("the line", () => {
  test("is a session's, for every path, and not for scripts", () => {
    expect(lineOf(cookie(), 11)).toMatch(/^Set-Cookie: lb=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax\r\n$/);
  });

  test("STICKY_SECURE is when it is for HTTPS alone", () => {
    const isSecure = (stickySecure: StickySettings["stickySecure"], byHttps: boolean) =>
      lineOf(cookie({ stickySecure }), 11, byHttps)?.endsWith("; SameSite=Lax; Secure\r\n");
    const all = (["auto", "on", "off"] as const).map((secure) => [isSecure(secure, true), isSecure(secure, false)]);
    expect(all).toEqual([
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  test("STICKY_SAME_SITE is what it says of other sites", () => {
    const said = (["lax", "strict", "none"] as const).map((stickySameSite) => lineOf(cookie({ stickySameSite }), 11));
    expect(said.map((line) => /SameSite=(\w+)/.exec(line ?? "")?.[1])).toEqual(["Lax", "Strict", "None"]);
  });

  test("STICKY_MAX_AGE_SECONDS is how long it is kept", () => {
    expect(lineOf(cookie({ stickyMaxAgeMs: 90_000 }), 11)).toEndWith("; SameSite=Lax; Max-Age=90\r\n");
    expect(lineOf(cookie({ stickyMaxAgeMs: 0 }), 11)).not.toContain("Max-Age");
  });

  test("is none for a server that is not the pool's", () => {
    expect(lineOf(cookie(), 99)).toBeUndefined();
  });
});

describe("the value", () => {
  test("names its server, however often there are others with its URL or its address", () => {
    const sticky = cookie();
    for (const { slot, id } of SERVERS) {
      expect(find(sticky, `lb=${valueFor(sticky, id)}`)).toMatchObject({ slot, id, current: true });
    }
  });

  test("is the same in another run, where slots and ids are others, and says nothing of the server", () => {
    const before = cookie();
    const after = cookie(
      {},
      SERVERS.map((server, index) => ({ ...server, slot: index, id: 100 + index })),
    );
    const value = valueFor(before, 12);
    expect(find(after, `lb=${value}`)).toMatchObject({ slot: 1, id: 101 });
    expect(Buffer.from(value, "base64url").toString("latin1")).not.toContain("192");
  });

  test("of a server that is gone, and any other, names nobody", () => {
    const sticky = cookie({}, SERVERS.slice(1));
    const gone = valueFor(cookie(), 11);
    const good = valueFor(sticky, 12);
    const forged = `${good.slice(0, -1)}${good.endsWith("A") ? "B" : "A"}`;
    for (const value of [gone, forged, "", "x", good.slice(1), `${good}x`, "x".repeat(22), "x".repeat(9000)]) {
      expect(find(sticky, `lb=${value}`)).toBeNull();
    }
  });

  test("made with another key names nobody", () => {
    expect(find(cookie(), `lb=${valueFor(cookie({ stickyKeys: ["fedcba9876543210"] }), 11)}`)).toBeNull();
  });

  test("is found among other cookies, and in another line", () => {
    const sticky = cookie();
    const value = valueFor(sticky, 13);
    expect(find(sticky, `a=1; lb=${value}; b=2`)).toMatchObject({ id: 13 });
    expect(find(sticky, "a=1", ` lb = ${value} `)).toMatchObject({ id: 13 });
    expect(find(sticky, `xlb=${value}; lbx=${value}; lb`)).toBeNull();
    expect(find(sticky)).toBeNull();
  });
});

test("keys are changed without a session that is lost: the old ones are believed, the first one signs", () => {
  const [old, next] = ["0123456789abcdef", "fedcba9876543210"];
  const before = cookie({ stickyKeys: [old] });
  const both = cookie({ stickyKeys: [next, old] });
  const after = cookie({ stickyKeys: [next] });
  const value = valueFor(before, 12);
  expect(find(both, `lb=${value}`)).toMatchObject({ id: 12, current: false });
  expect(valueFor(both, 12)).toBe(valueFor(after, 12));
  expect(find(both, `lb=${valueFor(after, 12)}`)).toMatchObject({ id: 12, current: true });
  expect(find(after, `lb=${value}`)).toBeNull();
});
