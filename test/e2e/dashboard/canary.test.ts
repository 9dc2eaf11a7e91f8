/** Canaries at the page: begun, seen to fail, rolled back, taken back. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { ProductProcess } from "../../support/product-process.ts";
import { describeWith } from "../support/programs.ts";
import { openPage, startBrowser, type WatchedPage } from "./support/browser.ts";

const DEADLINE_MS = 300_000;

describeWith(["chromium"], "canaries at the page", () => {
  const directory = mkdtempSync(join(tmpdir(), "nb-canary-page-"));
  let servers: Bun.Server<undefined>[];
  let product: ProductProcess;
  let browser: Browser;
  let watched: WatchedPage;
  let traffic: Timer;
  let isBroken = false;

  beforeAll(async () => {
    servers = [
      Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("old") }),
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: ({ url }) => new Response("next", { status: isBroken && !url.endsWith("/health") ? 500 : 200 }),
      }),
    ];
    const file = join(directory, "neurabalancer.yaml");
    const pools = servers.map(({ port }, i) => `  ${["old", "next"][i]}: {servers: ["http://127.0.0.1:${port}"]}`);
    writeFileSync(file, ["pools:", ...pools, "routes:", "  - {name: all, path: /, pool: old}", ""].join("\n"));
    product = new ProductProcess({
      CONFIG_FILE: file,
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "auto",
      WORKERS: "1",
      HEALTH_CHECK_INTERVAL_SECONDS: "1",
    });
    await product.started();
    traffic = setInterval(() => void fetch(`http://127.0.0.1:${product.port}/`).catch(() => {}), 20);
    browser = await startBrowser();
    watched = await openPage(browser, `http://127.0.0.1:${product.said("admin API listens")?.port}/`);
  }, DEADLINE_MS);

  afterAll(async () => {
    clearInterval(traffic);
    await browser?.close();
    await product?.end();
    for (const server of servers ?? []) await server.stop(true);
    rmSync(directory, { recursive: true });
  });

  const startFrom = async (auto: "true" | "false") => {
    const { page } = watched;
    await page.getByRole("button", { name: "Start a canary on route all" }).click();
    const dialog = page.getByRole("dialog", { name: "Canary on route all" });
    await dialog.getByLabel("Steps, percent").fill("50, 100");
    await dialog.getByLabel("When there is a verdict").selectOption(auto);
    await dialog.getByText("What will be different").waitFor();
    await dialog.getByLabel("Reason").fill("release 7");
    await dialog.getByRole("button", { name: "Start canary" }).click();
  };

  test(
    "one is begun, is seen to do its work, rolled back by hand, and that is undone",
    async () => {
      const { page } = watched;
      await page.getByRole("navigation").getByRole("link", { name: "Pools & routes" }).click();
      await startFrom("false");
      const canaries = page.getByRole("region", { name: "Canaries" });
      const row = canaries.getByRole("row", { name: /all/ });
      await row.getByText("running", { exact: true }).waitFor();
      await row
        .getByText(/failed/)
        .first()
        .waitFor();
      await page.getByRole("button", { name: "Roll the canary on route all back" }).click();
      const dialog = page.getByRole("dialog", { name: "Roll the canary on all back" });
      await dialog.getByRole("button", { name: "Roll back" }).click();
      await row.getByText("rolled back", { exact: true }).waitFor();
      const said = page.getByRole("region", { name: "Messages" });
      await said
        .locator(".toast", { hasText: "The canary is rolled back." })
        .getByRole("button", { name: "Undo" })
        .click();
      await row.getByText("running", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Promote the canary on route all" }).waitFor();
    },
    DEADLINE_MS,
  );

  test(
    "a pool that begins to fail goes back by itself, and the page says why",
    async () => {
      const { page } = watched;
      await page.getByRole("button", { name: "Roll the canary on route all back" }).click();
      const dialog = page.getByRole("dialog", { name: "Roll the canary on all back" });
      await dialog.getByRole("button", { name: "Roll back" }).click();
      const row = page.getByRole("region", { name: "Canaries" }).getByRole("row", { name: /all/ });
      await row.getByText("rolled back", { exact: true }).waitFor();
      await startFrom("true");
      await row.getByText("running", { exact: true }).waitFor();
      isBroken = true;
      await row.getByText("rolled back", { exact: true }).waitFor();
      await row.getByText(/^pool next (does worse|has no server)/).waitFor();
      await page.getByRole("button", { name: "Forget the canary on route all" }).waitFor();
      expect(await page.getByRole("button", { name: "Start a canary on route all" }).isEnabled()).toBe(true);
    },
    DEADLINE_MS,
  );
});
