/** CAs that are slow, lie, redirect, or answer without end: each order ends, with a reason that may be shown. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AcmeAuthority } from "../../../src/acme/authority/acme-authority.ts";
import { CaError } from "../../../src/acme/authority/problem.ts";
import { Transport } from "../../../src/acme/authority/transport.ts";
import { AccountStore } from "../../../src/acme/store/account-store.ts";
import { HAS_PEBBLE, Pebble } from "../../support/acme/pebble.ts";
import { type Authority, type Certificate, createAuthority } from "../../support/certificates.ts";
import { freePort } from "../../support/ports/free-port.ts";

let authority: Authority;
let certificate: Certificate;
let directory: string;
let server: ReturnType<typeof Bun.serve> | null = null;

beforeAll(() => {
  authority = createAuthority();
  certificate = authority.issue("IP:127.0.0.1");
  directory = mkdtempSync(join(tmpdir(), "nb-authority-"));
});
afterEach(async () => {
  await server?.stop(true);
  server = null;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A CA that answers as `answer` says. @returns where its directory is. */
function serve(answer: (request: Request, base: string) => Response | Promise<Response>): string {
  const { cert, key } = certificate;
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    tls: { cert, key },
    fetch: (request) => answer(request, `https://127.0.0.1:${server?.port}`),
  });
  return `https://127.0.0.1:${server.port}/dir`;
}

/** One that has a directory and gives nonces, and answers everything else as `answer` says. */
function serveWith(answer: (request: Request) => Response | Promise<Response>): string {
  return serve((request, base) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/dir") {
      return Response.json({ newNonce: `${base}/nonce`, newAccount: `${base}/account`, newOrder: `${base}/order` });
    }
    if (pathname === "/nonce") return new Response(null, { headers: { "replay-nonce": "abc" } });
    return answer(request);
  });
}

/** Orders a certificate there. @returns why there is none. */
async function refusal(directoryUrl: string, options: { questionMs?: number; caPem?: string } = {}): Promise<CaError> {
  const { questionMs, caPem = authority.cert } = options;
  const wallMs = (): number => 0;
  const asked = new AcmeAuthority({
    settings: { directoryUrl, email: null, externalAccount: null },
    accounts: new AccountStore(directory, "test"),
    transport: new Transport({ caPem, userAgent: "test", fetch, wallMs, questionMs }),
    wallMs,
    pause: async () => {},
  });
  const cut = new AbortController().signal;
  const order = { name: "a.test", challenge: "http-01", keyType: "ecdsa", cut } as const;
  const error = await asked.order({ ...order, present: async () => {}, withdraw: async () => {} }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CaError);
  return error as CaError;
}

const problem = (status: number, type: string, detail: string, headers: Record<string, string> = {}): Response =>
  Response.json(
    { type: `urn:ietf:params:acme:error:${type}`, detail },
    { status, headers: { "content-type": "application/problem+json", "replay-nonce": "abc", ...headers } },
  );

describe("a CA that", () => {
  test("never answers", async () => {
    const never = Promise.withResolvers<Response>();
    const url = serve(() => never.promise);
    expect((await refusal(url, { questionMs: 200 })).message).toMatch(
      /cannot be reached at 127.0.0.1:\d+: no answer in time/,
    );
    never.resolve(new Response());
  });

  test("answers without end", async () => {
    const more = Buffer.alloc(64 * 1024, " ");
    const url = serve(
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(more),
          }),
        ),
    );
    expect((await refusal(url)).message).toContain("answers with more than 256 KB");
  });

  test("redirects", async () => {
    let followed = false;
    const url = serve((request, base) => {
      followed ||= request.url.endsWith("/elsewhere");
      return Response.redirect(`${base}/elsewhere`, 302);
    });
    expect((await refusal(url)).message).toContain("redirects (302), which is not followed");
    expect(followed).toBe(false);
  });

  test("names addresses that are not https", async () => {
    const url = serve(() => Response.json({ newNonce: "http://127.0.0.1:1/n", newAccount: "http://127.0.0.1:1/a" }));
    expect((await refusal(url)).message).toContain("names an address that is not https: http://127.0.0.1:1/");
  });

  test.each([
    ["no JSON", () => new Response("<html>")],
    ["other JSON", () => Response.json([1, 2, 3])],
    ["nothing", () => new Response("")],
  ])("has %s for a directory", async (_, answer) => {
    expect((await refusal(serve(answer))).message).not.toBe("");
  });

  test("is asked too often: it says until when, once, and is not asked again", async () => {
    let asked = 0;
    const url = serveWith(() => {
      asked++;
      return problem(429, "rateLimited", "too many certificates", { "retry-after": "86400" });
    });
    const error = await refusal(url);
    expect(error.message).toContain("asked too often (429): rateLimited: too many certificates");
    expect([error.rateLimited, error.retryAfterMs, asked]).toEqual([true, 86_400_000, 1]);
  });

  test("fails: it is not asked again in the same order", async () => {
    let asked = 0;
    const url = serveWith(() => {
      asked++;
      return new Response("maintenance", { status: 503, headers: { "retry-after": "60" } });
    });
    const error = await refusal(url);
    expect(error.message).toContain("the CA fails (503): maintenance");
    expect([error.retryAfterMs, asked]).toEqual([60_000, 1]);
  });

  test("says what no terminal should get: it is shown, and not all of it", async () => {
    const url = serveWith(() => problem(403, "unauthorized", `\u001b[2J\r\n\u202e${"x".repeat(10_000)}`));
    const { message } = await refusal(url);
    expect(message).toContain("\\u001b[2J\\r\\n\\u202e");
    expect(message.length).toBeLessThan(500);
  });

  test("is not who it should be", async () => {
    const url = serve(() => Response.json({}));
    expect((await refusal(url, { caPem: createAuthority("another one").cert })).message).toContain("cannot be reached");
  });

  test("wants another nonce each time: it is tried a few times, and then no more", async () => {
    let asked = 0;
    const url = serveWith(() => {
      asked++;
      return problem(400, "badNonce", "stale");
    });
    expect((await refusal(url)).message).not.toBe("");
    expect(asked).toBeLessThan(10);
  });
});

test.skipIf(!HAS_PEBBLE)("the account has the address of mail", async () => {
  const pebble = new Pebble({ httpPort: freePort(), tlsPort: freePort() });
  try {
    await pebble.start();
    const sent: string[] = [];
    const spied = ((url: string, init: RequestInit) => {
      const { payload = "" } = JSON.parse((init.body as string | undefined) ?? "{}") as { payload?: string };
      sent.push(Buffer.from(payload, "base64url").toString());
      return fetch(url, init);
    }) as typeof fetch;
    const caPem = await Bun.file(pebble.caFile).text();
    const wallMs = (): number => 0;
    const accounts = new AccountStore(directory, "test");
    const asked = new AcmeAuthority({
      settings: { directoryUrl: pebble.url, email: "ops@example.test", externalAccount: null },
      accounts,
      transport: new Transport({ caPem, userAgent: "test", fetch: spied, wallMs }),
      wallMs,
      pause: async () => {},
    });
    const cut = new AbortController().signal;
    const order = { name: "a.test", challenge: "http-01", keyType: "ecdsa", cut } as const;
    const present = () => Promise.reject(new CaError("nobody answers"));
    await expect(asked.order({ ...order, present, withdraw: async () => {} })).rejects.toThrow("nobody answers");
    // Of good nonces pebble refuses one in twenty, and then it is said again.
    expect([...new Set(sent.filter((payload) => payload.includes("mailto:")))]).toEqual([
      JSON.stringify({ termsOfServiceAgreed: true, contact: ["mailto:ops@example.test"] }),
    ]);
    expect(accounts.read(pebble.url)?.url).toStartWith("https://");
  } finally {
    await pebble.clean();
  }
});
