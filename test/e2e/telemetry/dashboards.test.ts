/**
 * What dashboards ask is there in a live run in which everything happens: a real Prometheus answers every query with at
 * least one series, and what is looked for in lines and spans is found. What cannot be there in a short run is listed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { dashboards } from "../../../scripts/generate/dashboards/dashboards.ts";
import type { Panel } from "../../../scripts/generate/dashboards/model.ts";
import { hasRedis } from "../../support/databases/redis-server.ts";
import { findsLine, findsSpan } from "../../support/grafana/matching.ts";
import { logNames, traceNames } from "../../support/grafana/names.ts";
import { type Asked, allQueries, asSent, panelsOf } from "../../support/grafana/queries.ts";
import { hasPrometheus, Prometheus, shippedJob } from "../../support/prometheus.ts";
import { type Collector, startHttpCollector } from "../../support/tracing/collectors.ts";
import { until } from "../../support/until.ts";
import { SLOW_PATH } from "./backends.ts";
import { Everything } from "./everything.ts";
import { exportingTo, spansAt, valueOfSpan } from "./spans.ts";

/** Queries that a run of a minute cannot fill, each with the reason. */
const NOT_HERE: Readonly<Record<string, string>> = {
  "NeuraBalancer — Servers: Servers, H": "what servers work on at once is not known within a minute for sure",
  "NeuraBalancer — Servers: In flight, limits and capacity, B": "nor here",
  "NeuraBalancer — Learning: Regret against the control, B": "no model is tried within a minute",
};

const QUERIES = allQueries();
/** Long enough for several scrapes, short enough for what is over to be forgotten. */
const WINDOW_SECONDS = 20;

let collector: Collector;
let everything: Everything;
let prometheus: Prometheus;

beforeAll(async () => {
  collector = startHttpCollector();
  everything = await Everything.start(exportingTo(collector));
  if (hasPrometheus) {
    prometheus = await Prometheus.start({
      config: { scrape_configs: [shippedJob(everything.address)] },
      features: ["exemplar-storage"], // with native histograms version 2 would leave the classic ones out
    });
  }
  everything.startClients();
  await change("POST", "/api/v1/routes/secure/canary", { pool: "copies", percent: 0.01, auto: false });
  const servers = (await (await everything.product.admin("/api/v1/servers")).json()) as { id: number; pool: string }[];
  const spare = servers.findLast(({ pool }) => pool === "copies")!;
  await change("PATCH", `/api/v1/servers/${spare.id}`, { state: "maintenance" });
}, 120_000);

afterAll(async () => {
  await prometheus?.stop();
  await everything?.stop();
  await collector?.stop();
}, 60_000);

async function change(method: string, path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await everything.product.admin(path, { method, headers, body: JSON.stringify(body) });
  expect([response.ok, await response.text()]).toEqual([true, expect.any(String)]);
}

/** Whether there is a figure. A quantile of nothing is not one. */
async function isAnswered({ text }: Asked): Promise<boolean> {
  const series = await prometheus.query(asSent(text, WINDOW_SECONDS));
  return series.some(({ value, histogram }) => histogram !== undefined || !Number.isNaN(Number(value?.[1])));
}

test.skipIf(!hasPrometheus || !hasRedis)(
  "every query of a panel or a mark has an answer",
  async () => {
    await prometheus.scraped();
    await everything.reload(true);
    await everything.reload(false); // the mark of rejected ones
    let open = QUERIES.filter(({ language, where }) => language === "promql" && !(where in NOT_HERE));
    await until(async () => {
      const answers = await Promise.all(open.map(isAnswered));
      open = open.filter((_, at) => !answers[at]);
      return open.length === 0;
    }).catch(() => {}); // what is left says more than the time
    expect(open.map(({ where, text }) => `${where}: ${asSent(text, WINDOW_SECONDS)}`)).toEqual([]);
  },
  180_000,
);

describe.skipIf(!hasPrometheus || !hasRedis)("panels of metrics", () => {
  const panels = dashboards().flatMap((dashboard) =>
    panelsOf(dashboard)
      .filter(({ datasource }) => datasource.type === "prometheus")
      .map((panel) => ({ where: `${dashboard.title}: ${panel.title}`, panel })),
  );
  const answersOf = ({ targets }: Panel) =>
    Promise.all(targets.map(({ expr = "" }) => prometheus.query(asSent(expr, WINDOW_SECONDS))));

  test("name series and columns by labels that answers have", async () => {
    let open = panels;
    await until(async () => {
      const answers = await Promise.all(open.map(({ panel }) => answersOf(panel)));
      open = open.filter(({ panel }, at) => {
        const present = new Set(answers[at].flat().flatMap(({ metric }) => Object.keys(metric)));
        return labelsShownBy(panel).some((label) => !present.has(label));
      });
      return open.length === 0;
    }).catch(() => {});
    expect(open.map(({ where, panel }) => [where, labelsShownBy(panel)])).toEqual([]);
  });

  test("show shares that are shares", async () => {
    const wrong: [string, string, unknown][] = [];
    for (const { where, panel } of panels) {
      if (panel.fieldConfig.defaults.unit !== "percentunit") continue;
      for (const { metric, value } of (await answersOf(panel)).flat()) {
        const share = Number(value?.[1]);
        if (share < 0 || share > 1.1) wrong.push([where, JSON.stringify(metric), share]); // a rate looks a little ahead
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** Of legends, and of a table's columns that are no figures. */
function labelsShownBy({ targets, transformations = [] }: Panel): string[] {
  const legends = targets.flatMap(({ legendFormat = "" }) => [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]);
  const columns = transformations.flatMap(({ options }) =>
    Object.keys((options as { renameByName?: Record<string, string> }).renameByName ?? {}),
  );
  return [...legends.map(([, label]) => label), ...columns.filter((field) => !field.startsWith("Value"))];
}

test("what is said not to be there is asked for", () => {
  const asked = QUERIES.map(({ where }) => where);
  expect(Object.keys(NOT_HERE).filter((where) => !asked.includes(where))).toEqual([]);
});

describe("logs", () => {
  const queries = QUERIES.filter(({ language }) => language === "logql");

  test("have every field that is looked for", async () => {
    const present = () => new Set(everything.accessLines().flatMap((line) => Object.keys(line)));
    const wanted = [...new Set(queries.flatMap(({ text }) => logNames(text).fields))];
    const missing = () => wanted.filter((field) => !present().has(field));
    await until(() => missing().length === 0).catch(() => {});
    expect(missing()).toEqual([]);
  });

  test("have lines that each query finds", async () => {
    // As the slow ones are asked for in seconds: one is made, all others are quick.
    await everything.request(SLOW_PATH);
    const unfound = () => {
      const lines = everything.accessLines();
      return queries.filter(({ text }) => !lines.some((line) => findsLine(text, line)));
    };
    await until(() => unfound().length === 0).catch(() => {});
    expect(unfound()).toEqual([]);
  });
});

describe("traces", () => {
  const queries = QUERIES.filter(({ language }) => language === "traceql");

  test("have every attribute that is looked for", async () => {
    const wanted = [...new Set(queries.flatMap(({ text }) => traceNames(text)))];
    const missing = () =>
      wanted.filter((name) => !spansAt(collector).some((span) => valueOfSpan(span, name) !== undefined));
    await until(() => missing().length === 0).catch(() => {});
    expect(missing()).toEqual([]);
  });

  test("have spans that each query finds", async () => {
    const unfound = () =>
      queries.filter(
        ({ text }) => !spansAt(collector).some((span) => findsSpan(text, (name) => valueOfSpan(span, name))),
      );
    await until(() => unfound().length === 0).catch(() => {});
    expect(unfound()).toEqual([]);
  });
});
