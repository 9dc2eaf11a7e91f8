/** A server that left while the table could not be read was still chosen, without a pool to take a connection from. */
import { afterEach, expect, test } from "bun:test";
import { Header } from "../../src/shared/memory/layout/shared-memory.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

test("only servers that stay are chosen", async () => {
  const [stays, leaves] = [await Backend.answering(() => ok("stays")), await Backend.answering(() => ok("leaves"))];
  const proxy = new TestProxy([stays, leaves]);
  await proxy.ask(get());
  Atomics.add(proxy.memory.header, Header.TABLE_VERSION, 1); // as if the supervisor were writing
  const { port } = stays;
  const url = `http://127.0.0.1:${port}`;
  proxy.server.setEndpoints([
    { slot: 0, id: 1, pool: 0, url, hostname: "127.0.0.1", address: "127.0.0.1", port, tls: false, http2: false },
  ]);
  for (let i = 0; i < 4; i++) expect((await proxy.ask(get())).body.toString()).toBe("stays");
  expect(proxy.logged).toEqual([]);
});
