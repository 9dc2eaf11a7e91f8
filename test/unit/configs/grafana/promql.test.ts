import { expect, test } from "bun:test";
import { byServer, rate, series } from "../../../../scripts/generate/dashboards/promql.ts";
import { asSent } from "../../../support/grafana/queries.ts";

test("a selector has the variables that its metric can have", () => {
  expect(series("connections_open")).toBe('neurabalancer_connections_open{instance=~"$instance"}');
  expect(series("server_state", 'state="up"')).toBe(
    'neurabalancer_server_state{instance=~"$instance", pool=~"$pool", state="up"}',
  );
  // Where one pool is learned of, there is no label to choose it by.
  expect(series("ml_rung")).toBe('neurabalancer_ml_rung{instance=~"$instance", pool=~"$pool|"}');
  expect(rate("http_request_duration_seconds_bucket", 'le="0.25"')).toContain('le="0.25"}[$__rate_interval])');
});

test("what is not there stops the generator", () => {
  expect(() => series("http_request_total")).toThrow("no metric neurabalancer_http_request_total");
  expect(() => series("server_up", 'cause="x"')).toThrow("server_up has no label cause");
  expect(() => series("server_up_bucket")).toThrow("server_up is a gauge");
});

test("servers are shown by their URLs, of all instances together", () => {
  const expression = byServer(series("server_up"), [], "max");
  expect(expression).toStartWith("max by (pool, url) (");
  expect(expression).toContain("on (instance, server_id) group_left (pool, url)");
  expect(expression).toContain('url=~"$server"');
});

test("a query is sent with everything chosen", () => {
  expect(asSent('rate(a{instance=~"$instance", pool=~"$pool|"}[$__rate_interval])', 20)).toBe(
    'rate(a{instance=~".*", pool=~".*"}[20s])',
  );
});
