import { expect, test } from "bun:test";
import { metricsQuery } from "../../../../src/proxy/downstream/admin-query.ts";
import { getRequest } from "../support.ts";

function queryOf(lines = "") {
  const { buf, head } = getRequest("/metrics", lines);
  return metricsQuery(buf, head);
}

test("a client decides which question it is, and nothing of what it sends goes on", () => {
  const plain = queryOf();
  expect(plain).toEqual({ path: "/metrics", accept: expect.stringContaining("version=0.0.4"), encoding: "identity" });
  const open = queryOf("Accept: x/y; evil=\x80\r\nACCEPT: application/openmetrics-text;version=1.0.0\r\n");
  expect(open.accept).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(queryOf("Accept: evil\r\nAccept-Encoding: br, gzip;q=0.5\r\n")).toEqual({ ...plain, encoding: "gzip" });
});

test("the same question is the same object, and there are six of them", () => {
  const accepts = ["text/plain", "application/openmetrics-text", "*/*", "x/y"];
  accepts.push("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited");
  const asked = accepts.flatMap((accept) =>
    ["gzip", "identity", "br", "*"].map((coding) => queryOf(`Accept: ${accept}\r\nAccept-Encoding: ${coding}\r\n`)),
  );
  expect(new Set(asked).size).toBe(6);
});
