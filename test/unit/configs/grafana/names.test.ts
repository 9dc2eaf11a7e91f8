import { expect, test } from "bun:test";
import { logNames, traceNames } from "../../../support/grafana/names.ts";

test("labels of the stream and fields of the line are told apart", () => {
  expect(logNames('{service="load-balancer"} | json | duration > 1s')).toEqual({
    labels: ["service"],
    fields: ["duration"],
  });
  expect(
    logNames('sum by (route) (count_over_time({service="a", env="b"} | json | status >= 500 [$__interval]))'),
  ).toEqual({ labels: ["env", "service"], fields: ["route", "status"] });
});

test("attributes and intrinsics of spans are found", () => {
  const query = '{ resource.service.name = "a" && span.http.response.status_code >= 500 && duration > 1s }';
  expect(traceNames(query)).toEqual(["duration", "resource.service.name", "span.http.response.status_code"]);
});

test("what is not in the language is refused, with the place", () => {
  expect(() => logNames('{service="a"} | json | status >>= 5')).toThrow("no LogQL at");
  expect(() => traceNames("{ span.a = }")).toThrow("no TraceQL at");
});
