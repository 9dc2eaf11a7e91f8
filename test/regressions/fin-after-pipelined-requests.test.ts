/** A FIN behind pipelined requests, of a client that may half-close, ended the connection after the first response. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

const slowEcho = () =>
  Backend.answering(async ({ startLine }) => {
    await Bun.sleep(20);
    return ok(startLine);
  });

const served = async () => new TestProxy([await slowEcho()], { settings: { clientHalfClose: true } });

test("all requests before the FIN are answered", async () => {
  const client = await (await served()).connect();
  await client.send(get("/1") + get("/2") + get("/3"));
  client.finish();
  for (const path of ["/1", "/2", "/3"]) expect((await client.message()).body.toString()).toContain(path);
  expect(await client.end()).toBe("end");
});

test("a request that the FIN cut off is answered with 400 in its turn", async () => {
  const client = await (await served()).connect();
  await client.send(`${get("/1")}${get("/2", "Content-Length: 10\r\n", "POST")}half`);
  client.finish();
  expect((await client.message()).status).toBe(200);
  expect((await client.message()).status).toBe(400);
  expect(await client.end()).toBe("end");
});

test("half a head before the FIN ends the connection", async () => {
  const client = await (await served()).connect();
  await client.send(`${get("/1")}GET /2 HT`);
  client.finish();
  expect((await client.message()).status).toBe(200);
  expect(await client.end()).toBe("end");
});
