/** Before a change is made the page says on how many instances, where several share what operators change. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { describeWith } from "../support/programs.ts";
import { openPage, startBrowser } from "./support/browser.ts";
import { CLUSTER_ALONE, FAKE_ANSWERS } from "./support/fake/answers.ts";
import { FakeInstance } from "./support/fake/instance.ts";

const DEADLINE_MS = 180_000;
const PATH = "/api/v1/pools/default";

describeWith(["chromium"], "where a change is made", () => {
  let browser: Browser;
  const instances: FakeInstance[] = [];
  beforeAll(async () => {
    browser = await startBrowser();
  }, DEADLINE_MS);
  afterAll(async () => {
    await browser?.close();
    for (const instance of instances) await instance.stop();
  });

  const open = async (answers: object) => {
    const instance = await FakeInstance.start({ servers: 3 }, { ...FAKE_ANSWERS, ...answers });
    instances.push(instance);
    const { page, close } = await openPage(browser, `${instance.url}#/routes`);
    await page.getByRole("button", { name: "Switch strategy" }).click();
    const dialog = page.getByRole("dialog", { name: "Strategy of pool default" });
    await dialog.getByLabel("Strategy").selectOption("p2c");
    return { instance, dialog, close };
  };

  test(
    "it says so of all instances; for this one alone it is asked for in that way",
    async () => {
      const { instance, dialog, close } = await open({});
      await dialog.getByText("It is made on all 3 instances.").waitFor();
      await dialog.getByLabel("Only on this instance").check();
      await dialog.getByText("It is made on this instance alone.").waitFor();
      await dialog.locator("button[type=submit]").click();
      await dialog.waitFor({ state: "detached" });
      expect(instance.queries(PATH)).toContain("?scope=instance");
      await close();
    },
    DEADLINE_MS,
  );

  test(
    "of one that is alone it says nothing",
    async () => {
      const { instance, dialog, close } = await open({ "/api/v1/cluster": CLUSTER_ALONE });
      await dialog.locator("button[type=submit]").click();
      await dialog.waitFor({ state: "detached" });
      expect(instance.queries(PATH)).toContain("");
      expect(instance.queries(PATH)).not.toContain("?scope=instance");
      await close();
    },
    DEADLINE_MS,
  );
});
