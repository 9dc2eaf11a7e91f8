/** What people send to strangers has no secrets in it. */
import { describe, expect, test } from "bun:test";
import { Redaction } from "../../../../src/control/support/redaction.ts";

const SECRET = 'p"ss/wörd-1';
const redaction = new Redaction({ secrets: [SECRET, "abc"], nameOf: (address) => `client-${address.length}` });

describe("redaction", () => {
  test("hides secrets wherever they stand, also as JSON, URLs and headers write them", () => {
    for (const form of [
      SECRET,
      JSON.stringify(SECRET),
      encodeURIComponent(SECRET),
      Buffer.from(SECRET).toString("base64"),
    ]) {
      expect(redaction.text(`before ${form} after`)).not.toContain(form.replaceAll('"', ""));
    }
    expect(redaction.text("abc is a word")).toBe("abc is a word");
  });

  test("hides what looks like one", () => {
    const said = redaction.text(
      "Authorization: Bearer abcdef123456, Basic dXNlcjpwYXNz; nbt_AbC-1 eyJhbGciOi.eyJzdWIi.c2ln postgres://u:pw@db/x sha256:" +
        "a".repeat(64),
    );
    for (const secret of ["abcdef123456", "dXNlcjpwYXNz", "nbt_AbC", "eyJhbGciOi", "u:pw", "aaaa"])
      expect(said).not.toContain(secret);
    expect(said).toContain("postgres://****@db/x");
    expect(redaction.text("x -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- y")).toBe("x **** y");
  });

  test("hides queries, and leaves the rest of a path", () => {
    expect(redaction.json({ path: "/cart?user=7&t=1", message: "GET http://a/b?c=d failed: why?" })).toEqual({
      path: "/cart?****",
      message: "GET http://a/b?**** failed: why?",
    });
  });

  test("hides by name, of settings too", () => {
    const settings = {
      DB_PASSWORD: { value: "geheim", origin: "environment" },
      "routes[0].request_headers.set.x-key": { value: "geheim", origin: "file" },
      LOG_LEVEL: { value: "info", origin: "default" },
    };
    expect(redaction.json(settings)).toEqual({
      DB_PASSWORD: { value: "****", origin: "environment" },
      "routes[0].request_headers.set.x-key": { value: "****", origin: "file" },
      LOG_LEVEL: { value: "info", origin: "default" },
    });
    expect(redaction.json({ cookie: "a=b", admin_token: "x", tokenizer: "y" })).toEqual({
      cookie: "****",
      admin_token: "****",
      tokenizer: "y",
    });
  });

  test("names clients and leaves servers", () => {
    const told = {
      client: "203.0.113.9",
      actor: "admin API (deploy, 203.0.113.9)",
      address: "10.0.0.1",
      at: "2026-11-30T04:00:00Z",
    };
    expect(redaction.json([told])).toEqual([{ ...told, client: "client-11", actor: "admin API (deploy, client-11)" }]);
    expect(redaction.json({ by: "admin API (2001:db8::7)" })).toEqual({ by: "admin API (client-11)" });
  });
});
