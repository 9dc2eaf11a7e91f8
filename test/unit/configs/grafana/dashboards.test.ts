/** Dashboards are such that Grafana takes them as they are, and everything in them is there. */
import { describe, expect, test } from "bun:test";
import { dashboards } from "../../../../scripts/generate/dashboards/dashboards.ts";
import { PROVISIONED } from "../../../../scripts/generate/dashboards/sources.ts";
import { logNames, traceNames } from "../../../support/grafana/names.ts";
import { allQueries, panelsOf } from "../../../support/grafana/queries.ts";

const ALL = dashboards();
/** Of Grafana itself, wherever a dashboard has variables. */
const BUILT_IN = /^__(rate_interval|interval|range|from|to|all)$/;

test("the first is the overview, and there are no two of one name", () => {
  expect(ALL[0].title).toBe("NeuraBalancer — Overview");
  expect(ALL.map(({ title }) => title)).toEqual(
    ["Overview", "Servers", "Learning", "Operations"].map((name) => `NeuraBalancer — ${name}`),
  );
  expect(new Set(ALL.map(({ uid }) => uid)).size).toBe(ALL.length);
});

describe.each(ALL)("$title", (dashboard) => {
  const panels = panelsOf(dashboard);
  const everything = JSON.stringify(dashboard);

  test("has numbers for its panels, each once", () => {
    const ids = dashboard.panels.flatMap((panel) =>
      panel.type === "row" ? [panel.id, ...panel.panels.map(({ id }) => id)] : [panel.id],
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBeGreaterThan(0);
  });

  test("has panels beside each other, none on another", () => {
    const taken = new Set<string>();
    const wrong = dashboard.panels.filter(({ gridPos: { x, y, w, h } }) => {
      const cells = Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`);
      const fits = x + w <= 24 && !cells.some((cell) => taken.has(cell));
      for (const cell of cells) taken.add(cell);
      return !fits;
    });
    expect(wrong.map(({ title }) => title)).toEqual([]);
  });

  test("says of each panel what it means, and asks something", () => {
    for (const { title, description, targets } of panels) {
      expect([title, description.length > 15, /[.)]$/.test(description)]).toEqual([title, true, true]);
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
    expect(new Set(panels.map(({ title, type }) => `${title} ${type}`)).size).toBe(panels.length);
  });

  test("uses kinds of panels that are not given up", () => {
    const kinds = new Set(panels.map(({ type }) => type));
    expect([...kinds].filter((kind) => !["timeseries", "stat", "table", "heatmap", "logs"].includes(kind))).toEqual([]);
  });

  test("names no variable that it does not have, and has none that nothing asks for", () => {
    const own = dashboard.templating.list.map(({ name }) => name);
    const named = [...everything.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name);
    // `${1}` is of a regular expression in PromQL.
    const unknown = named.filter((name) => !own.includes(name) && !BUILT_IN.test(name) && !/^\d$/.test(name));
    expect([...new Set(unknown)]).toEqual([]);
    expect(own.filter((name) => !named.includes(name))).toEqual([]);
  });

  test("begins with the data sources that are provided", () => {
    const sources = dashboard.templating.list.filter(({ type }) => type === "datasource");
    const given: Record<string, string> = PROVISIONED;
    for (const { name, current } of sources) expect((current as { value: string }).value).toBe(given[name]);
    const uids = [...everything.matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid);
    const known = [dashboard.uid, ...sources.map(({ name }) => `\${${name}}`)];
    expect(uids.filter((uid) => !known.includes(uid))).toEqual([]);
  });

  test("leads to the others with its time and variables", () => {
    expect(dashboard.links).toMatchObject([
      { type: "dashboards", tags: dashboard.tags, includeVars: true, keepTime: true },
    ]);
  });
});

describe("queries", () => {
  const queries = allQueries();

  test("are in all three languages, and on links too", () => {
    expect([...new Set(queries.map(({ language }) => language))].sort()).toEqual(["logql", "promql", "traceql"]);
    expect(queries.some(({ where }) => where.includes("link"))).toBe(true);
  });

  test("of logs and traces are read by the parsers of Grafana's editor", () => {
    for (const { language, text } of queries) {
      if (language === "logql") expect(logNames(text).labels).toEqual(["service"]);
      if (language === "traceql") expect(traceNames(text)).toContain("resource.service.name");
    }
  });

  test("of metrics go by the instance that is chosen", () => {
    const blind = queries.filter(
      ({ language, text }) => language === "promql" && !text.includes('instance=~"$instance"'),
    );
    expect(blind.map(({ where }) => where)).toEqual([]);
  });
});
