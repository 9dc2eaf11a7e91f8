/** An operator at the page, over the real product and servers that are killed and slow: what is seen, what is done, what stays. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { freePort } from "../../support/ports/free-port.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";
import { describeWith } from "../support/programs.ts";
import { openPage, startBrowser, type WatchedPage } from "./support/browser.ts";

const TOKEN = "a-token-of-the-tests-that-is-long-enough";
const READ_TOKEN = "another-token-that-may-only-read-things";
const SLOW_MS = 700;
const DEADLINE_MS = 300_000;

describeWith(["chromium"], "an operator at the page", () => {
  let servers: Bun.Server<undefined>[];
  /** A server that is stopped knows its own no more. */
  let ports: number[];
  let product: ProductProcess;
  let browser: Browser;
  let watched: WatchedPage;
  let traffic: Timer;

  const serve = (port = 0) =>
    Bun.serve({
      hostname: "127.0.0.1",
      port,
      fetch: async (request) => {
        if (request.url.endsWith("/slow")) await Bun.sleep(SLOW_MS);
        return new Response("hello");
      },
    });
  const url = () => `http://127.0.0.1:${product.said("admin API listens")?.port}/`;
  const nameOf = (at: number) => `127.0.0.1:${ports[at]}`;
  const ask = (path: string) => fetch(`http://127.0.0.1:${product.port}${path}`);
  const card = (at: number) => watched.page.locator("li.server", { hasText: nameOf(at) });

  beforeAll(async () => {
    servers = [serve(), serve(), serve(freePort())];
    ports = servers.map(({ port }) => Number(port));
    const hash = new Bun.CryptoHasher("sha256").update(READ_TOKEN).digest("hex");
    product = new ProductProcess({
      SERVERS: ports.map((port) => `http://127.0.0.1:${port}`).join(","),
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "auto",
      ADMIN_TOKEN: TOKEN,
      ADMIN_TOKENS: `onlooker:read:sha256:${hash}`,
      WORKERS: "1",
      HEALTH_CHECK_INTERVAL_SECONDS: "1",
      SLOW_START_SECONDS: "0",
      LB_STRATEGY: "round_robin",
    });
    await product.started();
    traffic = setInterval(() => void ask("/").catch(() => {}), 100);
    browser = await startBrowser();
    watched = await openPage(browser, url());
  }, DEADLINE_MS);

  afterAll(async () => {
    clearInterval(traffic);
    await browser?.close();
    await product?.end();
    for (const server of servers ?? []) await server.stop(true);
  });

  test(
    "a wrong token is refused in words, the right one shows the instance",
    async () => {
      const { page } = watched;
      const dialog = page.getByRole("dialog", { name: "Sign in" });
      await dialog.waitFor();
      await page.keyboard.press("Escape");
      await page.getByText("You are not signed in").waitFor();
      await page.getByRole("button", { name: "Sign in" }).click();
      await dialog.getByLabel("Token").fill("not-the-token");
      await dialog.getByRole("button", { name: "Sign in" }).click();
      await dialog.getByText("This token was refused").waitFor();
      await dialog.getByLabel("Token").fill(TOKEN);
      await dialog.getByRole("button", { name: "Sign in" }).click();
      await card(0).waitFor();
      expect(await page.evaluate("document.cookie")).toBe("");
      expect(await page.evaluate("localStorage.length")).toBe(0);
    },
    DEADLINE_MS,
  );

  test(
    "a server that dies is seen, and so is that it is back",
    async () => {
      const { page } = watched;
      await card(2).getByText("up", { exact: true }).waitFor();
      await servers[2].stop(true);
      await card(2)
        .locator(".badge", { hasText: /down|ejected/ })
        .waitFor();
      await page
        .getByRole("region", { name: "What happened last" })
        .getByText(/is down/)
        .first()
        .waitFor();
      servers[2] = serve(ports[2]);
      await card(2).locator(".badge", { hasText: "up" }).waitFor();
    },
    DEADLINE_MS,
  );

  test(
    "a server is drained with a reason, that is in the audit, and undone",
    async () => {
      const { page } = watched;
      await page.getByRole("link", { name: nameOf(0) }).click();
      const panel = page.getByRole("dialog", { name: nameOf(0) });
      await panel.getByRole("button", { name: "Drain" }).click();
      const dialog = page.getByRole("dialog", { name: `Drain ${nameOf(0)}` });
      await dialog.getByText("What will be different").waitFor();
      await dialog.getByLabel("Reason").fill("a new kernel");
      await dialog.getByRole("button", { name: "Drain", exact: true }).click();
      await panel.locator("h2 .badge", { hasText: "draining" }).waitFor();
      const said = panel.getByRole("region", { name: "Messages" });
      await said.getByRole("button", { name: "Undo" }).click();
      await said.getByText("Taken back.").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("navigation").getByRole("link", { name: "Changes" }).click();
      await page.getByRole("button", { name: "Audit" }).click();
      const audit = page.getByRole("region", { name: "Audit" });
      await audit.getByText("a new kernel", { exact: true }).waitFor();
      await audit.getByText("ADMIN_TOKEN").first().waitFor();
      await page.getByRole("button", { name: "Overrides" }).click();
      await page.getByText("Everything is as configured.").waitFor();
    },
    DEADLINE_MS,
  );

  test(
    "the strategy is switched, lasts as an override, and is switched back",
    async () => {
      const { page } = watched;
      await page.getByRole("navigation").getByRole("link", { name: "Pools & routes" }).click();
      await page.getByRole("button", { name: "Switch strategy" }).click();
      const dialog = page.getByRole("dialog", { name: "Strategy of pool default" });
      await dialog.getByLabel("Strategy").selectOption("least_connections");
      await dialog.getByText("What will be different").waitFor();
      const expected = dialog.getByRole("region", { name: "What the simulator expects" });
      await expected.getByText("HISTORY is off. HISTORY=on records it").waitFor();
      await dialog.getByRole("button", { name: "Switch" }).click();
      await page.locator("li.card strong", { hasText: "least_connections" }).waitFor();
      await page.getByRole("navigation").getByRole("link", { name: "Changes" }).click();
      await page.getByRole("rowheader", { name: /LB_STRATEGY/ }).waitFor();
      await page.getByRole("button", { name: "Export as .env" }).click();
      await page.getByRole("dialog").getByText("LB_STRATEGY").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /^Remove the override/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
      await page.getByText("Everything is as configured.").waitFor();
    },
    DEADLINE_MS,
  );

  test(
    "a slow request leads to why it went where it went",
    async () => {
      const { page } = watched;
      await until(async () => {
        // What is slow is known when enough was not.
        await Promise.all(Array.from({ length: 60 }, () => ask("/")));
        await ask("/slow");
        return (
          await page.request.get(`${url()}api/v1/requests?reason=slow`, {
            headers: { authorization: `Bearer ${TOKEN}` },
          })
        )
          .text()
          .then((text) => text.includes("/slow"));
      });
      await page.getByRole("navigation").getByRole("link", { name: "Requests" }).click();
      await page.getByRole("button", { name: "Slow", exact: true }).click();
      await page.getByRole("link", { name: "GET /slow" }).first().click();
      await page.getByRole("heading", { name: "GET /slow" }).waitFor();
      await page.getByRole("region", { name: "In time" }).waitFor();
      const attempt = page.getByRole("region", { name: "Attempt 1" });
      await attempt.locator("li.chosen").waitFor();
      expect(await attempt.locator("li.bar-row").count()).toBeGreaterThan(1);
    },
    DEADLINE_MS,
  );

  test(
    "a setting is changed, and what needs a restart says so",
    async () => {
      const { page } = watched;
      await page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
      await page.getByLabel("Filter settings").fill("LOG_LEVEL");
      await page.getByRole("button", { name: "Change LOG_LEVEL" }).click();
      const dialog = page.getByRole("dialog", { name: "LOG_LEVEL" });
      await dialog.getByLabel("LOG_LEVEL").selectOption("warn");
      await dialog.getByRole("button", { name: "Change", exact: true }).click();
      await page
        .getByRole("row", { name: /LOG_LEVEL/ })
        .getByText("override")
        .waitFor();
      await page.getByLabel("Filter settings").fill("APP_PORT");
      await page.getByLabel("also those that need a restart").check();
      const button = page.getByRole("button", { name: "Change APP_PORT", exact: true });
      expect(await button.getAttribute("aria-disabled")).toBe("true");
      expect(await button.getAttribute("title")).toContain("restart");
    },
    DEADLINE_MS,
  );

  test(
    "with a token that only reads, nothing can be pressed, and it says why",
    async () => {
      const onlooker = await openPage(browser, `${url()}#/servers`);
      const { page } = onlooker;
      await page.getByLabel("Token").fill(READ_TOKEN);
      await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("button", { name: /only reads/ }).waitFor();
      const add = page.getByRole("button", { name: "Add server" });
      expect(await add.getAttribute("aria-disabled")).toBe("true");
      expect(await add.getAttribute("title")).toContain("admin");
      expect(onlooker.complaints).toEqual([]);
      await onlooker.close();
    },
    DEADLINE_MS,
  );

  test("nothing of it made the page complain", () => {
    expect(watched.complaints).toEqual([]);
  });
});
