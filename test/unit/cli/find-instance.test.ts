import { expect, test } from "bun:test";
import { instanceOf, othersIn, urlOf } from "../../../src/cli/find-instance.ts";

const place = (pid: number, directory: string, port: number) => ({
  pid,
  directory,
  host: "127.0.0.1",
  port,
  tls: false,
});
const PLACES = [place(1, "/srv/shop", 8090), place(2, "/srv/blog", 40_001)];

test("the instance that was started in the directory is meant, and never another", () => {
  expect(instanceOf("/srv/blog", PLACES)?.port).toBe(40_001);
  expect(instanceOf("/home", PLACES)).toBeUndefined();
  expect(instanceOf("/", [place(1, "/", 8090)])).toBeUndefined();
});

test("of several in one directory none is, and all are named", () => {
  const ask = () => instanceOf("/srv/shop", [...PLACES, place(3, "/srv/shop", 40_002)]);
  expect(ask).toThrow(
    "several instances were started in /srv/shop: name one by --admin: http://127.0.0.1:8090 (process 1, in /srv/shop), http://127.0.0.1:40002 (process 3, in /srv/shop)",
  );
});

test("who has found none is told which there are", () => {
  expect(othersIn([])).toBe("");
  expect(othersIn(PLACES)).toContain("http://127.0.0.1:40001 (process 2, in /srv/blog)");
});

test("an address is one that can be asked from this machine", () => {
  expect(urlOf({ host: "0.0.0.0", port: 1, tls: true })).toBe("https://127.0.0.1:1");
  expect(urlOf({ host: "::", port: 1, tls: false })).toBe("http://[::1]:1");
});
