/** Chromium, and what a page in it complains about. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { pathOf } from "../../support/programs.ts";

/** A page with everything that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors of scripts, of the console and of the content security policy. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** What a browser says of an answer that is no success is no complaint of the page. */
const STATUS = /^Failed to load resource: the server responded with a status of/;

/** Started once for all tests of a file. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: pathOf("chromium"),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
}

/** A page of its own, with storage of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !STATUS.test(message.text())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
}
