import { expect, test } from "bun:test";
import { configOf, problemsOf } from "../../../support/configuration.ts";

const only = (SERVERS: string) => configOf({ SERVERS }).servers.list[0];

test.each([
  ["k8s://shop/web", "http", "k8s://shop/web"],
  ["K8S://shop/web:http/", "http", "k8s://shop/web:http"],
  ["k8s+https://shop/web:8443", "https", "k8s+https://shop/web:8443"],
  ["k8s+h2://shop/web", "h2", "k8s+h2://shop/web"],
  ["k8s+h2c://shop/web:grpc", "h2c", "k8s+h2c://shop/web:grpc"],
] as const)("%s", (written, scheme, url) => {
  expect(only(written)).toMatchObject({ url, scheme, source: "kubernetes", host: "web.shop.svc", port: 0 });
});

test.each([
  ["k8s://web", "must name namespace and service"],
  ["k8s://shop/web/http", "must name namespace and service"],
  ["k8s://Shop/web", 'has a wrong namespace "Shop"'],
  ["k8s:///web", 'has a wrong namespace ""'],
  ["k8s://shop/web?x", 'has a wrong service "web?x"'],
  ["k8s://shop/..", 'has a wrong service ".."'],
  ["k8s://shop/web:0", 'has a wrong port "0"'],
  ["k8s://shop/web:", 'has a wrong port ""'],
  ["k8s://shop/web:HTTP", 'has a wrong port "HTTP"'],
])("%s %s", (SERVERS, problem) => {
  expect(problemsOf({ SERVERS }).join()).toContain(problem);
});

test("ports of one service are servers of their own; the same one twice is a mistake", () => {
  expect(configOf({ SERVERS: "k8s://shop/web:http,k8s://shop/web:admin" }).servers.list).toHaveLength(2);
  expect(problemsOf({ SERVERS: "k8s://shop/web:http,k8s+h2c://shop/web:http" }).join()).toContain("repeats entry 1");
});

test("there are no more of them than can be watched", () => {
  const SERVERS = Array.from({ length: 201 }, (_, i) => `k8s://shop/web-${i}`).join(",");
  expect(problemsOf({ SERVERS })).toEqual(["SERVERS: names 201 services of Kubernetes in all; the most is 200"]);
});

test("weight and capacity are those of each of its endpoints", () => {
  const env = { "SERVER_WEIGHT_web.shop.svc": "3", SERVER_CAPACITY_WEB_SHOP_SVC: "50" };
  expect(configOf({ SERVERS: "k8s://shop/web", ...env }).servers.list).toMatchObject([{ weight: 3, hardLimit: 50 }]);
});

test("what Kubernetes tells its pods of services is no typing mistake", () => {
  const env = {
    KUBERNETES_SERVICE_PORT_HTTPS: "443",
    KUBERNETES_PORT: "tcp://10.0.0.1:443",
    KUBERNETES_PORT_443_TCP_ADDR: "10.0.0.1",
  };
  expect(problemsOf(env)).toEqual([]);
  expect(configOf({ KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" }).kubernetes).toMatchObject({
    serviceHost: "fd00::1",
    servicePort: 443,
  });
});

test.each(["10.0.0.1:6443", "ftp://a", "https://user@a", "https://a/?x", "https://a/#x"])(
  "%s is no API server",
  (url) => {
    expect(problemsOf({ KUBERNETES_API_SERVER: url }).join()).toContain("must be a URL such as https://10.0.0.1:6443");
  },
);

test("a path of the API server is kept, as proxies of several clusters have it", () => {
  expect(configOf({ KUBERNETES_API_SERVER: "https://proxy/k8s/clusters/c-1/" }).kubernetes.apiServer).toBe(
    "https://proxy/k8s/clusters/c-1",
  );
});
