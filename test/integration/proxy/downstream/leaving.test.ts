/** From the moment that readiness fails clients are told to go elsewhere, and whoever still comes is served. */
import { afterEach, describe, expect, test } from "bun:test";
import { Header } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue } from "../../../support/wire.ts";
import { echoing, type Side } from "./http2/support.ts";

afterEach(cleanUp);

/** As the supervisor does when it is asked to stop, before the time of grace. */
function failReadiness({ memory }: TestProxy): void {
  Atomics.store(memory.header, Header.DRAINING, 1);
}

/** Asks on connections of their own until one is told to leave. */
async function untilTold(proxy: TestProxy): Promise<void> {
  await eventually(async () => singleValue(await proxy.ask(get()), "connection") === "close");
}

describe("HTTP/1.1", () => {
  test("the next response ends the connection; what is idle stays until then, and new ones are served", async () => {
    const proxy = new TestProxy([await Backend.answering(() => ok("served"))]);
    const [early, late] = [await proxy.connect(), await proxy.connect()];
    await early.send(get());
    expect(singleValue(await early.message(), "connection")).toBeUndefined();
    failReadiness(proxy);
    await untilTold(proxy);
    for (const client of [early, late]) {
      await client.send(get());
      const answer = await client.message();
      expect(answer.body.toString()).toBe("served");
      expect(singleValue(answer, "connection")).toBe("close");
      expect(await client.end()).toBe("end");
    }
  });

  test("so does a response of the balancer's own", async () => {
    const proxy = new TestProxy([await Backend.answering(() => ok("served"))]);
    const client = await proxy.connect();
    failReadiness(proxy);
    await untilTold(proxy);
    await client.send(get("/health/ready"));
    const answer = await client.message();
    expect(answer.status).toBe(503);
    expect(singleValue(answer, "connection")).toBe("close");
    expect(await client.end()).toBe("end");
  });
});

describe("HTTP/2", () => {
  test("who is connected hears GOAWAY and is served what it has sent", async () => {
    const side = await echoing();
    const client = await side.connect();
    expect((await client.ask()).status).toBe(200);
    failReadiness(side.proxy);
    await eventually(() => client.goaway !== null);
    expect(await client.end()).toBe(0);
    client.close();
  });

  test("who comes then is served, and hears it a little later", async () => {
    const side: Side = await echoing();
    failReadiness(side.proxy);
    await untilTold(side.proxy);
    const client = await side.connect();
    expect((await client.ask()).status).toBe(200);
    await eventually(() => client.goaway !== null);
    expect(await client.end()).toBe(0);
    client.close();
  });
});
