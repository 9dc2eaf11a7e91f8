/** What the page shows of fleets of every size, on every screen, to everyone, and when nobody answers. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { until } from "../../support/until.ts";
import { describeWith } from "../support/programs.ts";
import { openPage, startBrowser } from "./support/browser.ts";
import { CLUSTER_ALONE, EXPLANATION, FAKE_ANSWERS } from "./support/fake/answers.ts";
import type { FakeFleet } from "./support/fake/fleet.ts";
import { FakeInstance } from "./support/fake/instance.ts";

const DEADLINE_MS = 300_000;
const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 360, height: 780 };
/** Addresses with what is then above everything: of single servers, a dialog. */
const VIEWS = [
  ["overview", "Overview"],
  ["servers", "Servers"],
  ["servers/1", null],
  ["routes", "Pools & routes"],
  ["learning", "Learning"],
  ["timeline", "Time line"],
  ["requests", "Requests"],
  [`requests/${EXPLANATION.request_id}`, "GET /products/4711"],
  ["changes", "Changes"],
  ["changes?tab=audit", "Changes"],
  ["settings", "Settings"],
] as const;
/** All else is the same in the dark. */
const RULES_ON_COLOURS = ["color-contrast", "link-in-text-block"];
/** Views that the navigation has and does not show. */
const CUT_LINKS = `[...document.querySelectorAll("nav a")]
  .filter((link) => link.getBoundingClientRect().right > innerWidth || link.scrollWidth > link.clientWidth)
  .map((link) => link.textContent)`;
const FLEETS: Readonly<Record<string, FakeFleet>> = {
  "3 servers": { servers: 3, learning: true },
  "300 servers": { servers: 300, pools: ["shop", "search", "static"] },
  "no server": { servers: 0 },
  "all of them down": { servers: 3, allDown: true },
  "without learning": { servers: 3 },
  "6 servers": { servers: 6, learning: true },
  "every kind of holding": {
    servers: 10,
    learning: true,
    pools: ["shop", "search", "static", "reports", "media"],
    holding: ["holding", "learning", "stopped", "stale", "off"],
  },
  "long names": { servers: 3, longNames: true, learning: true, pools: ["checkout-and-payment-of-the-shop", "search"] },
};
/** For README.md: `SCREENSHOTS=1 npm test -- test/e2e/dashboard`. */
const IMAGES = join(import.meta.dir, "../../../docs/images");

describeWith(["chromium"], "the page", () => {
  let browser: Browser;
  const instances = new Map<string, FakeInstance>();
  /** One of each fleet for all tests. */
  const start = async (name: string) => {
    const instance = instances.get(name) ?? (await FakeInstance.start(FLEETS[name], FAKE_ANSWERS));
    instances.set(name, instance);
    return instance;
  };

  beforeAll(async () => {
    browser = await startBrowser();
  }, DEADLINE_MS);

  afterAll(async () => {
    await browser?.close();
    for (const instance of instances.values()) await instance.stop();
  });

  for (const name of [
    "3 servers",
    "300 servers",
    "no server",
    "all of them down",
    "every kind of holding",
    "long names",
  ]) {
    test(
      `${name}: axe finds nothing serious in any view, light or dark, and nothing is wider than a phone`,
      async () => {
        const instance = await start(name);
        const { page, complaints, close } = await openPage(browser, instance.url);
        for (const [view, heading] of VIEWS) {
          await visit(page, view, heading);
          expect(await seriousFaults(page), view).toEqual([]);
          await page.emulateMedia({ colorScheme: "dark" });
          expect(await seriousFaults(page, RULES_ON_COLOURS), `${view}, dark`).toEqual([]);
          await page.emulateMedia({ colorScheme: "light" });
          await page.setViewportSize(PHONE);
          expect(await page.evaluate("document.documentElement.scrollWidth"), view).toBeLessThanOrEqual(PHONE.width);
          expect(await page.evaluate(CUT_LINKS), view).toEqual([]);
          await page.setViewportSize(WIDE);
        }
        expect(complaints).toEqual([]);
        await close();
      },
      DEADLINE_MS,
    );
  }

  test(
    "of certificates by ACME it says how they stand, those that are not there yet included",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, `${instance.url}#/settings`);
      const failing = page.getByRole("row", { name: /new\.example\.test/ });
      await failing.getByText("failing", { exact: true }).waitFor();
      const said = await failing.textContent();
      for (const part of [
        "there is none yet",
        "ACME, http-01",
        "Next try",
        "2 tries in a row have failed",
        "refused",
      ]) {
        expect(said).toContain(part);
      }
      await failing.getByRole("button", { name: "Renew the certificate of new.example.test" }).click();
      await page.getByRole("dialog", { name: "Renew the certificate of new.example.test" }).waitFor();
      const row = page.getByRole("row", { name: /shop\.example\.test/, includeHidden: true });
      expect(await row.textContent()).toContain("a file");
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "of each pool it says whether requests are held there, and why not",
    async () => {
      const instance = await start("every kind of holding");
      const { page, close } = await openPage(browser, `${instance.url}#/routes`);
      const figures = async (pool: string): Promise<(string | undefined)[]> => {
        const card = page.locator("ul.pools > li").filter({ has: page.getByRole("heading", { name: pool }) });
        const [, said] = await card.locator(".badge").allTextContents();
        const values = card
          .locator(".tiny > div")
          .filter({ hasText: /waiting|held/ })
          .locator("dd");
        return [said, ...(await values.allTextContents())];
      };
      await page.locator("ul.pools > li").first().waitFor();
      expect(await figures("shop")).toEqual(["holding", "7", "7"]);
      expect(await figures("search")).toEqual(["learning limits", "0", "0"]);
      expect(await figures("static")).toEqual(["not holding", "3", "0"]);
      expect(await figures("reports")).toEqual(["not holding", "0", "0"]);
      expect(await page.locator("ul.pools > li").last().textContent()).not.toContain("hold");
      expect(await figures("media")).toEqual([undefined, "0", "–"]);
      await page.getByText("Requests fared worse when they were held.").waitFor();
      await page.getByText("The learner is silent").waitFor();
      await page.evaluate(`location.hash = "#/overview"`);
      await page.getByText("10 waiting, 7 held").waitFor();
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "of classes of requests it shows those that make most work, and all when asked to; where none are told apart, nothing",
    async () => {
      const instance = await start("every kind of holding");
      const { page, close } = await openPage(browser, `${instance.url}#/routes`);
      const card = page.getByRole("region", { name: "Request classes" });
      const rows = card.locator("tbody tr");
      await rows.first().waitFor();
      expect(await rows.count()).toBe(8);
      const cells = await rows.first().locator("th, td").allTextContents();
      expect(cells.slice(0, 5)).toEqual(["GET /reports/{id}", "6.60 ×", "5.10 – 9.80 ×", "31 %", "4.8 %"]);
      await card.getByRole("button", { name: "Show all 15 classes" }).click();
      await card.getByRole("rowheader", { name: "all others" }).waitFor();
      expect(await rows.count()).toBe(15);
      await card.getByLabel("Pool of the classes").selectOption("search");
      await card.getByRole("button", { name: "Show all 15 classes" }).waitFor();
      expect(instance.queries("/api/v1/classes")).toContain("?pool=search");
      await close();
      const without = await start("without learning");
      const plain = await openPage(browser, `${without.url}#/routes`);
      await plain.page.getByRole("region", { name: "Rate limits" }).waitFor();
      expect(await plain.page.getByRole("region", { name: "Request classes" }).count()).toBe(0);
      expect(without.queries("/api/v1/classes")).toEqual([]);
      await plain.close();
    },
    DEADLINE_MS,
  );

  test(
    "of rate limits it says what they allow, whom and where, and what a trial would refuse",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, `${instance.url}#/routes`);
      const card = page.getByRole("region", { name: "Rate limits" });
      const row = async (name: string) =>
        (await card.getByRole("row", { name }).locator("td").allTextContents()).slice(0, 6);
      await card.getByRole("row").first().waitFor();
      expect(await row("per-client")).toEqual([
        "enforced",
        "together",
        "100/s for each client_ip; burst 200 ",
        "1.20 M",
        "8\u2009412",
        "412 · 0.8 %",
      ]);
      expect(await row("api-keys")).toEqual([
        "dry run",
        "alone, Redis is away",
        "6000/m for each header:x-api-key and route; burst 200 · routes /shop, /search",
        "1.20 M",
        "913 would be",
        "44.1 k · 88 %",
      ]);
      expect(await row("exports")).toEqual([
        "enforced",
        "here",
        "40 requests at once, all together · routes /reports",
        "96",
        "3",
        "–",
      ]);
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "of a cluster it says who is there and how old what they say is; while Redis is away, that it is alone",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, `${instance.url}#/settings`);
      const card = page.getByRole("region", { name: "Cluster shop" });
      await card.getByText("3 instances", { exact: true }).waitFor();
      const row = async (name: RegExp) =>
        (await card.getByRole("row", { name }).locator("th, td").allTextContents()).toSpliced(2, 1);
      expect(await row(/balancer-1/)).toEqual(["balancer-1 (this one)", "1.4.0", "now", "12", "0 · 0", "41", "813"]);
      expect(await row(/balancer-2/)).toEqual(["balancer-2", "1.4.0", "640 ms ago", "12", "1 · 2", "41", "813"]);
      expect((await row(/balancer-3/)).slice(3)).toEqual(["–", "– · –", "–", "–"]);
      await card.getByText("They run different versions").waitFor();
      expect(await card.locator("dl").textContent()).toContain("Trains for defaultbalancer-2");
      await close();
      const lonely = await FakeInstance.start(FLEETS["3 servers"], {
        ...FAKE_ANSWERS,
        "/api/v1/cluster": CLUSTER_ALONE,
      });
      const alone = await openPage(browser, `${lonely.url}#/settings`);
      await alone.page.getByText("alone, Redis is away").waitFor();
      await alone.page.getByText("goes on alone until Redis answers: no answer within 400 ms.").waitFor();
      await alone.page.getByText("none are heard").waitFor();
      expect(await seriousFaults(alone.page)).toEqual([]);
      await alone.close();
      await lonely.stop();
    },
    DEADLINE_MS,
  );

  test(
    "of a request that was held it says so, over time and at its attempt, and of which class it was",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, `${instance.url}#/requests/${EXPLANATION.request_id}`);
      await page.getByRole("img", { name: "12.1 ms held" }).waitFor();
      await page.getByText("812 ms, 12.1 ms of it held").waitFor();
      const first = page.getByRole("region", { name: "Attempt 1" });
      const second = page.getByRole("region", { name: "Attempt 2" });
      expect(await first.textContent()).toContain("held for 12.1 ms");
      expect(await second.textContent()).not.toContain("held");
      expect(await second.textContent()).toContain(
        "GET /products/{id}, expected to cost as much as 0.59 mean requests",
      );
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "on a phone axe finds nothing serious either",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, instance.url, { viewport: PHONE });
      for (const [view, heading] of VIEWS) {
        await visit(page, view, heading);
        expect(await seriousFaults(page), view).toEqual([]);
      }
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "of 300 servers only those in sight are rows; the others are found by scrolling, sorting and words",
    async () => {
      const instance = await start("300 servers");
      const { page, close } = await openPage(browser, `${instance.url}#/servers`);
      const rows = page.locator("table.servers tbody tr:not(.spacer)");
      await rows.first().waitFor();
      expect(await rows.count()).toBeLessThan(60);
      expect(await rows.first().textContent()).toContain("down");
      await page.getByRole("columnheader", { name: "Server" }).getByRole("button").click();
      await page.locator("th[aria-sort=ascending]", { hasText: "Server" }).waitFor();
      await page.locator(".tall").evaluate((box) => box.scrollTo(0, 1e6));
      await page.getByRole("link", { name: "10.0.1.44:8080" }).waitFor();
      await page.getByLabel("Filter: name, pool, state").fill("search drain");
      await page.getByText("of 300 servers").waitFor();
      await until(async () =>
        (await page.locator("table.servers .badge").allTextContents()).every((state) => state === "draining"),
      );
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "when the network goes it says so, keeps the numbers with their age, and comes back by itself",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, instance.url);
      await page.getByText("live", { exact: true }).waitFor();
      const before = await page.locator(".big").first().textContent();
      instance.away = true;
      instance.cut();
      await page.getByText("No connection to the instance").waitFor();
      await page.locator(".shell.stale").waitFor();
      expect(await page.locator(".link-state").textContent()).toContain("old");
      expect(before).not.toBe("");
      expect(await page.locator(".big").first().textContent()).not.toBe("");
      instance.away = false;
      await page.locator(".shell:not(.stale)").waitFor();
      await page.getByText("No connection to the instance").waitFor({ state: "detached" });
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "before a strategy is switched, what the simulator expects of it stands beside the present one; nothing waits for it",
    async () => {
      const instance = await start("without learning");
      const wide = await openPage(browser, `${instance.url}#/routes`);
      const narrow = await openPage(browser, `${instance.url}#/routes`, { viewport: { width: 360, height: 780 } });
      for (const { page } of [wide, narrow]) {
        await page.getByRole("button", { name: "Switch strategy" }).click();
        const dialog = page.getByRole("dialog", { name: "Strategy of pool default" });
        const expected = dialog.getByRole("region", { name: "What the simulator expects" });
        await dialog.getByLabel("Strategy").selectOption("p2c");
        await expected.getByRole("columnheader", { name: "least_connections (now)" }).waitFor();
        await expected.getByRole("columnheader", { name: "p2c" }).waitFor();
        const p99 = expected.getByRole("row", { name: /^p99/ });
        expect(await p99.getByRole("cell").allTextContents()).toEqual([
          "404 ms",
          "400 ms360 ms to 440 ms",
          "310 ms279 ms to 341 ms",
        ]);
        expect(await seriousFaults(page)).toEqual([]);
        const widths = await expected.evaluate((box) => [box.scrollWidth, box.clientWidth]);
        expect(widths[0]).toBeLessThanOrEqual(widths[1]);
        await dialog.getByLabel("Strategy").selectOption("round_robin");
        await expected.getByText("round_robin would send more to 10.0.0.1:8080 than that can do.").waitFor();
        await dialog.getByLabel("Strategy").selectOption("consistent_hash");
        await expected.getByText("Nothing is said of consistent_hash").waitFor();
      }
      expect(instance.asked.filter((path) => path === "GET /api/v1/expectations")).toHaveLength(2);
      await wide.close();
      await narrow.close();
    },
    DEADLINE_MS,
  );

  test(
    "everything can be reached and done by keyboard",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, instance.url);
      await page.locator("li.server").first().waitFor();
      const focused = () => page.evaluate("document.activeElement.textContent");
      await page.keyboard.press("Tab");
      expect(await focused()).toBe("Skip to the content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.tagName")).toBe("MAIN");
      await page.getByRole("link", { name: "10.0.0.1:8080" }).focus();
      await page.keyboard.press("Enter");
      const panel = page.getByRole("dialog", { name: /10\.0\.0\.1:8080/ });
      await panel.waitFor();
      await panel.getByRole("button", { name: "Drain" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "Drain 10.0.0.1:8080" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog", { name: "Drain 10.0.0.1:8080" }).waitFor({ state: "detached" });
      expect(await panel.count()).toBe(1);
      await page.keyboard.press("Escape");
      await panel.waitFor({ state: "detached" });
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "it asks nobody else for anything, and its first paint is below 100 KB",
    async () => {
      const instance = await start("3 servers");
      const { page, close } = await openPage(browser, instance.url);
      await page.locator("li.server").first().waitFor();
      const names = (await page.evaluate(
        "performance.getEntriesByType('resource').map((one) => one.name)",
      )) as string[];
      expect(names.filter((name) => !name.startsWith(instance.url))).toEqual([]);
      expect(instance.gzipBytes).toBeLessThan(100_000);
      await close();
    },
    DEADLINE_MS,
  );

  if (process.env.SCREENSHOTS === "1") {
    test(
      "pictures for people",
      async () => {
        const instance = await start("6 servers");
        for (const colorScheme of ["light", "dark"] as const) {
          const { page, close } = await openPage(browser, instance.url, {
            colorScheme,
            viewport: { width: 1360, height: 1000 },
          });
          await page.locator("li.server").first().waitFor();
          await page.locator(".u-over").first().waitFor();
          await page.screenshot({ path: join(IMAGES, `dashboard-${colorScheme}.png`) });
          await close();
        }
      },
      DEADLINE_MS,
    );
  }
});

async function visit(page: Page, view: string, heading: string | null): Promise<void> {
  await page.evaluate(`location.hash = "#/${view}"`);
  if (heading === null) await page.getByRole("dialog").waitFor();
  else await page.locator("main h1", { hasText: heading }).waitFor();
  await page.getByText("Asking…").first().waitFor({ state: "detached" });
}

/** @param rules all of axe's, unless some are named. */
async function seriousFaults(page: Page, rules: readonly string[] = []): Promise<string[]> {
  // Without frames there is nothing to gather in another page.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  if (rules.length > 0) axe.withRules([...rules]);
  const { violations } = await axe.analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`));
}
