/**
 * `http://api.corp.:80` lost its dot, so that a search domain could send it elsewhere. The dot is for the resolver alone:
 * `Host`, TLS and settings of one server have the name without it.
 */
import { afterAll, expect, test } from "bun:test";
import { configOf } from "../support/configuration.ts";
import { Backend, cleanUp, ok, TestProxy } from "../support/proxy-harness.ts";

afterAll(cleanUp);

test("the configuration keeps it, and settings of the server are named without", () => {
  const env = { SERVERS: "http://API.corp.:80,dns+srv://_http._tcp.corp.", SERVER_WEIGHT_API_CORP_80: "3" };
  const { list } = configOf(env).servers;
  expect(list[0]).toMatchObject({ host: "api.corp.", url: "http://api.corp.:80", weight: 3 });
  expect(list[1]).toMatchObject({ host: "_http._tcp.corp.", source: "srv" });
});

test("Host, where the client sends none, is the name without it", async () => {
  const backend = await Backend.answering(({ head }) => ok(/^host: (.*)\r$/im.exec(head)?.[1] ?? ""));
  const proxy = new TestProxy([{ port: backend.port, hostname: "api.corp." }]);
  const answer = await proxy.ask("GET / HTTP/1.0\r\n\r\n");
  expect(answer.body.toString()).toBe(`api.corp:${backend.port}`);
});
