/** Everything that an operator changes from the page, over the real product: what it says before, what comes of it, and the way back. */
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator } from "playwright-core";
import { estimatorTimes, leave } from "../../drill/learning/fixture.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";
import { describeWith } from "../support/programs.ts";
import { openPage, startBrowser, type WatchedPage } from "./support/browser.ts";

setDefaultTimeout(300_000);

interface Shown {
  readonly id: number;
  readonly pool: string;
  readonly url: string;
  readonly weight: number;
  readonly state: string;
  readonly maintenance: { readonly reason: string; readonly until: string | null } | null;
}

describeWith(["chromium"], "what the page changes", () => {
  const directory = mkdtempSync(join(tmpdir(), "nb-changing-"));
  let servers: Bun.Server<undefined>[];
  let product: ProductProcess;
  let browser: Browser;
  let watched: WatchedPage;
  let versions: readonly number[];

  const nameOf = (at: number) => `127.0.0.1:${servers[at].port}`;
  const shown = async (at: number) => {
    const all = (await (await product.admin("/api/v1/servers")).json()) as Shown[];
    return all.find(({ url }) => url === `http://${nameOf(at)}`);
  };
  const dialog = (name: string | RegExp) => watched.page.getByRole("dialog", { name });
  const view = (name: string) =>
    watched.page
      .getByRole("navigation")
      .getByRole("link", { name: new RegExp(`^${name}`) })
      .click();
  const panelOf = async (at: number) => {
    const { page } = watched;
    await view("Servers");
    await page.getByRole("link", { name: nameOf(at) }).click();
    return dialog(new RegExp(`^${nameOf(at)}`));
  };
  /** Confirms what a dialog asks, in its own words. */
  const confirm = async (asks: Locator, word: string) => {
    await asks.getByRole("button", { name: word, exact: true }).click();
    await asks.waitFor({ state: "detached" });
  };
  const undo = async () => {
    const messages = watched.page.getByRole("region", { name: "Messages" });
    await messages.getByRole("button", { name: "Undo" }).last().click();
    await messages.getByText("Taken back.").waitFor();
    // In one go: some go by themselves meanwhile.
    await watched.page.evaluate("for (const one of document.querySelectorAll('[aria-label=Dismiss]')) one.click()");
  };
  const close = async (panel: Locator) => {
    await watched.page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
  };

  beforeAll(async () => {
    const serve = () => Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
    servers = [serve(), serve(), serve(), serve()];
    const [first, second, third] = servers.map(({ port }) => `http://127.0.0.1:${port}`);
    const file = join(directory, "neurabalancer.yaml");
    writeFileSync(
      file,
      `pools:\n  default:\n    servers: [${first}, ${second}]\n    balancing: {strategy: ml}\n  next:\n    servers: [${third}]\nroutes:\n  - {name: all, path: /, pool: default}\n`,
    );
    const dataDir = join(directory, "data");
    versions = [
      await leave(dataDir, estimatorTimes(1), "champion"),
      await leave(dataDir, estimatorTimes(2), "retired"),
    ];
    product = new ProductProcess({
      CONFIG_FILE: file,
      DATA_DIR: dataDir,
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "auto",
      WORKERS: "1",
      HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
      SLOW_START_SECONDS: "0",
    });
    await product.started();
    browser = await startBrowser();
    watched = await openPage(browser, `http://127.0.0.1:${product.said("admin API listens")?.port}/`);
    await watched.page.locator("li.server").first().waitFor();
  });

  // One that fails leaves no dialog to the next.
  beforeEach(async () => {
    await watched.page.evaluate('location.hash = "#/overview"');
    await watched.page.reload();
    await watched.page.locator("li.server").first().waitFor();
  });

  afterAll(async () => {
    await browser?.close();
    await product?.end();
    for (const server of servers ?? []) await server.stop(true);
    rmSync(directory, { recursive: true, force: true });
  });

  test("a server is added and gone again", async () => {
    const { page } = watched;
    await view("Servers");
    await page.getByRole("button", { name: "Add server" }).click();
    const asks = dialog("Add a server");
    await asks.getByLabel("URL").fill("no address");
    await asks.getByRole("button", { name: "Add server" }).click();
    await asks.getByText("Give the URL of the server").waitFor();
    await asks.getByLabel("URL").fill(`http://${nameOf(3)}`);
    await asks.getByLabel("Weight").fill("2");
    await confirm(asks, "Add server");
    await page.getByRole("link", { name: nameOf(3) }).waitFor();
    expect(await shown(3)).toMatchObject({ pool: "default", weight: 2 });
    await undo();
    await page.getByRole("link", { name: nameOf(3) }).waitFor({ state: "detached" });
  });

  test("maintenance has a reason and an end, and both come back with it", async () => {
    const panel = await panelOf(1);
    await panel.getByRole("button", { name: "Maintenance" }).click();
    const asks = dialog(`Maintenance of ${nameOf(1)}`);
    await asks.getByLabel("Ends by itself after").fill("2h");
    await asks.getByLabel("Reason").fill("a new disk");
    await confirm(asks, "Begin maintenance");

    await panel.getByText(/^a new disk · by admin API .*, until/).waitFor();
    const before = (await shown(1))!.maintenance;
    expect(before).toMatchObject({ reason: "a new disk", until: expect.stringContaining("T") });
    await panel.getByRole("button", { name: "Make active" }).click();
    await confirm(dialog(`Make ${nameOf(1)} active`), "Make active");
    await panel.locator("h2 .badge", { hasText: "up" }).waitFor();
    await undo();
    await panel.getByText(/^a new disk · by admin API .*, until/).waitFor();
    expect((await shown(1))!.maintenance).toMatchObject({ reason: "a new disk", until: before!.until });
    await close(panel);
  });

  test("the weight by keyboard alone", async () => {
    const { page } = watched;
    const tabTo = async (name: string) => {
      await until(async () => {
        await page.keyboard.press("Tab");
        return (await page.evaluate("document.activeElement.textContent")) === name;
      });
    };
    await view("Servers");
    await tabTo(nameOf(1));
    await page.keyboard.press("Enter");
    await dialog(new RegExp(`^${nameOf(1)}`)).waitFor();
    await tabTo("Weight");
    await page.keyboard.press("Enter");
    const asks = dialog(`Weight of ${nameOf(1)}`);
    await asks.waitFor();
    await until(async () => {
      await page.keyboard.press("Tab");
      return (await page.evaluate("document.activeElement.id")) === "field-weight";
    });
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("3");
    await asks.getByText("What will be different").waitFor();
    await page.keyboard.press("Enter");
    await asks.waitFor({ state: "detached" });
    expect(await shown(1)).toMatchObject({ weight: 3 });
    await close(dialog(new RegExp(`^${nameOf(1)}`)));
  });

  test("a server that was removed comes back with all that was set of it", async () => {
    const panel = await panelOf(1);
    await panel.getByText("3 (admin API").waitFor();
    await panel.getByRole("button", { name: "Remove" }).click();
    const asks = dialog(`Remove ${nameOf(1)}`);
    await asks.getByText(/override keeps it away/).waitFor();
    await confirm(asks, "Remove");
    await dialog("No such server").waitFor();
    expect(await shown(1)).toBeUndefined();
    await undo();
    await until(async () => (await shown(1))?.state === "maintenance");
    expect(await shown(1)).toMatchObject({ weight: 3, maintenance: { reason: "a new disk" } });
    await close(dialog("No such server"));
  });

  test("a route is split between pools, and is not", async () => {
    const { page } = watched;
    await view("Pools & routes");
    await page.getByRole("button", { name: "Change the split of route all" }).click();
    const asks = dialog("Split of route all");
    await asks.getByLabel("next").fill("1");
    await asks.getByText("What will be different").waitFor();
    await confirm(asks, "Change split");
    const row = page.getByRole("row", { name: /^all/ });
    await row.getByText("50 %").first().waitFor();
    await undo();
    await row.getByText("50 %").first().waitFor({ state: "detached" });
  });

  test("settings of the instance and of a pool", async () => {
    const { page } = watched;
    await view("Settings");
    await page.getByLabel("Filter settings").fill("LOG_LEVEL");
    await page.getByRole("button", { name: "Change LOG_LEVEL" }).click();
    await dialog("LOG_LEVEL").getByLabel("LOG_LEVEL").selectOption("debug");
    await confirm(dialog("LOG_LEVEL"), "Change");
    await page
      .getByRole("row", { name: /LOG_LEVEL/ })
      .getByText("override")
      .waitFor();
    await undo();
    await page
      .getByRole("row", { name: /LOG_LEVEL/ })
      .getByText("override")
      .waitFor({ state: "detached" });
    await view("Pools & routes");
    await page.getByRole("button", { name: "Options" }).first().click();
    const options = dialog("Options of pool default");
    await options.getByLabel("Filter settings").fill("RETRY_ATTEMPTS");
    await options.getByRole("button", { name: "Change RETRY_ATTEMPTS" }).click();
    const asks = dialog("RETRY_ATTEMPTS of pool default");
    await asks.getByLabel("RETRY_ATTEMPTS").fill("3");
    await confirm(asks, "Change");
    await options.getByText("override").waitFor();
    await undo();
    await options.getByText("override").waitFor({ state: "detached" });
    await close(options);
  });

  test("all overrides end, and are set again", async () => {
    const { page } = watched;
    await view("Changes");
    const card = page.getByRole("region", { name: "Overrides" });
    await card.getByText("a new disk").waitFor();
    await page.getByRole("button", { name: "Remove all" }).click();
    await confirm(dialog("Remove all overrides"), "Remove all");
    await card.getByText("Everything is as configured.").waitFor();
    expect(await shown(1)).toMatchObject({ weight: 1, maintenance: null });
    await undo();
    await card.getByText("a new disk").waitFor();
    expect(await shown(1)).toMatchObject({ weight: 3, maintenance: { reason: "a new disk" } });
  });

  test("the learner is ordered about: promoted, rolled back, paused; what is final is said before", async () => {
    const { page } = watched;
    const [champion, other] = versions;
    await view("Learning");
    const serving = (version: number) => page.getByText(`version ${version}`, { exact: true }).first();
    const isServing = (version: number) =>
      page
        .locator("dd", { hasText: new RegExp(`^version ${version}$`) })
        .first()
        .waitFor();
    await serving(champion).waitFor();
    await page.getByRole("button", { name: `Promote model ${other}` }).click();
    await confirm(dialog(`Promote model ${other}`), "Promote");
    await isServing(other);
    await undo();
    await isServing(champion);
    await page.getByRole("button", { name: `Promote model ${other}` }).click();
    await confirm(dialog(`Promote model ${other}`), "Promote");
    await isServing(other);
    await page.getByRole("button", { name: "Roll back" }).click();
    await confirm(dialog("Roll the model back"), "Roll back");
    await isServing(champion);
    await undo();
    await isServing(other);
    await page.getByRole("button", { name: "Pause" }).click();
    await confirm(dialog("Pause learning"), "Pause");
    await page.getByText("learning is paused").waitFor();
    await undo();
    await page.getByText("learning is paused").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Train" }).click();
    await dialog("Train a model now").getByText("It cannot be undone").waitFor();
    await dialog("Train a model now").getByRole("button", { name: "Cancel" }).click();
  });

  test("nothing of it made the page complain", () => {
    expect(watched.complaints).toEqual([]);
  });
});
