/** scripts/wait-for.sh and scripts/healthcheck.sh, as operators and cron run them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "../../support/ports/free-port.ts";
import { run } from "../../support/processes.ts";
import { Product } from "../support/product.ts";
import { describeWith } from "../support/programs.ts";

const SCRIPTS = join(import.meta.dir, "../../../scripts");
const waitFor = (...args: string[]) => run([join(SCRIPTS, "wait-for.sh"), ...args]);
const healthcheck = (...args: string[]) => run([join(SCRIPTS, "healthcheck.sh"), ...args]);

describeWith(["curl"], "wait-for.sh", () => {
  let server: Bun.Server<undefined>;
  beforeAll(() => {
    const status = (url: string) => (url.endsWith("/no") ? 503 : 200);
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => new Response("", { status: status(url) }),
    });
  });
  afterAll(() => server.stop(true));

  test("waits for ports and URLs, then becomes the command", async () => {
    const both = await waitFor(`127.0.0.1:${server.port}`, server.url.href, "--", "sh", "-c", "echo ran; exit 7");
    expect([both.code, both.text]).toEqual([7, "ran\n"]);
    expect(both.stderr.match(/ answers after \d+ s$/gm)).toHaveLength(2);
  });

  test("waits until somebody comes", async () => {
    const port = freePort();
    const waiting = waitFor("--quiet", `http://127.0.0.1:${port}/`);
    using _late = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response("") });
    expect(await waiting).toMatchObject({ code: 0, stderr: "" });
  });

  test("says who is missing when the time is over, and runs nothing then", async () => {
    const refused = await waitFor("--timeout", "1", `127.0.0.1:${freePort()}`, "--", "echo", "ran");
    expect(refused).toMatchObject({ code: 1, text: "", stderr: expect.stringContaining("Connection refused") });
    const bad = await waitFor("--timeout", "1", `${server.url.href}no`);
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining("is not there after 1 s: it answers 503") });
  });

  test("neither a long interval nor what the environment has of a clock moves the end", async () => {
    const args = ["--timeout", "1", "--interval", "900000", `127.0.0.1:${freePort()}`];
    const late = await run([join(SCRIPTS, "wait-for.sh"), ...args], { env: { ...process.env, SECONDS: "-900000" } });
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining("is not there after 1 s") });
  });

  test("a URL is one URL, whatever signs are in it", async () => {
    expect(await waitFor(`${server.url.href}{a,b}?[1-9]`)).toMatchObject({ code: 0 });
  });

  test.each([
    [["--timeout", "soon", "a:1"], "--timeout must be whole seconds, not soon"],
    [["a:99999"], "a:99999 is neither HOST:PORT nor a URL"],
    [["a:1;reboot"], "a:1;reboot is neither HOST:PORT nor a URL"],
    [[], "name what to wait for"],
    [["a:1", "--"], "there is no command after --"],
  ])("%p is refused", async (args, message) => {
    expect(await waitFor(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});

describeWith(["curl"], "healthcheck.sh", () => {
  let server: Bun.Server<undefined>;
  let product: Product;
  beforeAll(async () => {
    server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
    const interval = { HEALTH_CHECK_INTERVAL_SECONDS: "1", WORKERS: "1" };
    product = await Product.start([server.url.origin, server.url.origin.replace("127.0.0.1", "localhost")], interval);
  });
  afterAll(async () => {
    await product.stop();
    await server.stop(true);
  });

  test("an instance that is well; cron hears nothing", async () => {
    const { code, text } = await healthcheck("--url", product.url, "--min-healthy", "all");
    expect([code, text]).toEqual([
      0,
      `ok      ${product.url} lives\nok      ${product.url} is ready, 2 of 2 servers healthy\n`,
    ]);
    expect(await healthcheck("--quiet", "--url", product.url)).toMatchObject({ code: 0, text: "", stderr: "" });
    const few = await healthcheck("--quiet", "--url", product.url, "--min-healthy", "3");
    expect(few).toMatchObject({ code: 1, stderr: expect.stringContaining("2 of 2 servers healthy, and 3 are wanted") });
  });

  test("one whose servers are gone is not ready, and the servers are named with the reason", async () => {
    await server.stop(true);
    const named = `        ${server.url.origin} is down: health check failed: connection refused\n`;
    for (;;) {
      const { code, text, stderr } = await healthcheck("--url", product.url);
      if (code === 0 || !stderr.includes("0 of 2")) continue; // a check has not found it yet
      expect(text).toBe(`ok      ${product.url} lives\n`);
      expect(stderr).toStartWith(`FAILED  ${product.url} is not ready (status 503), 0 of 2 servers healthy\n`);
      expect(stderr).toContain(named);
      break;
    }
  });

  test("who is no instance, or not there", async () => {
    using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("no", { status: 404 }) });
    const stranger = await healthcheck("--url", other.url.href);
    expect(stranger).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("answers 404: is that a NeuraBalancer?"),
    });
    const nobody = await healthcheck("--url", `http://127.0.0.1:${freePort()}`);
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining("does not answer: curl: (7)") });
    const wrong = await healthcheck("--url", "localhost");
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("--url must be a URL") });
  });

  test("who never ends its answer, or sends a terminal commands and numbers without end", async () => {
    const piece = new Uint8Array(1_000_000).fill(120);
    const endless = () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece.slice()) }));
    using flood = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: endless });
    const flooded = await healthcheck("--timeout", "1", "--url", flood.url.origin);
    expect(flooded.stderr.length).toBeLessThan(1000);
    expect([flooded.code, flooded.stderr]).toEqual([1, expect.stringContaining("without saying how many servers")]);

    const odd = `{"status":"ready","healthy":${"9".repeat(40)},"total":1}\u001b[2J`;
    using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(odd) });
    const { code, stderr } = await healthcheck("--url", other.url.origin);
    expect([code, stderr]).toEqual([1, expect.stringContaining('"total":1}?[2J')]);
  });
});
