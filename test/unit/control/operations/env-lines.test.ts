/** Overrides as `.env`: what it can say, and comments for the rest. */
import { expect, test } from "bun:test";
import { envLines } from "../../../../src/control/operations/env-lines.ts";
import { override, SERVER, setting } from "./fixture.ts";

test("settings and weights are lines, states are comments, servers of the only pool are its list", () => {
  const url = "http://backend-3:8003";
  const all = [
    setting("LOG_LEVEL", "debug", "info"),
    setting("LB_STRATEGY", "p2c", "round_robin", "default"),
    setting("LB_STRATEGY", "p2c", "round_robin", "shop"),
    override({ kind: "weight", target: SERVER, value: 3, configured: 1 }),
    override({ kind: "state", target: SERVER, value: "drain", configured: "active" }),
    override({ kind: "server_added", target: { pool: "default", url }, value: { url }, configured: null }),
  ];
  const lines = envLines(all, { onlyDefault: true, servers: ["http://backend-1:8001", url] }).split("\n");
  const said = lines.filter((line) => line !== "" && !line.startsWith("#"));
  expect(said).toEqual([
    "LOG_LEVEL=debug",
    "LB_STRATEGY=p2c",
    "SERVER_WEIGHT_BACKEND_1_8001=3",
    "SERVERS=http://backend-1:8001,http://backend-3:8003",
  ]);
  expect(lines.filter((line) => line.includes(".env cannot say this"))).toHaveLength(2);
});

test("of a server that was added its numbers are lines, too, unless another override says them", () => {
  const added = (port: number, value: object) => {
    const url = `http://backend-3:${port}`;
    return override({
      kind: "server_added",
      target: { pool: "default", url },
      value: { url, ...value },
      configured: null,
    });
  };
  const all = [
    added(8003, { weight: 4, capacity: 20, zone: "a" }),
    added(8004, { weight: 4 }),
    override({ kind: "weight", target: { ...SERVER, server: "backend-3:8004" }, value: 5, configured: 4 }),
  ];
  const lines = envLines(all, { onlyDefault: true, servers: ["http://backend-3:8003"] }).split("\n");
  expect(lines.filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
    "SERVER_WEIGHT_BACKEND_3_8003=4",
    "SERVER_CAPACITY_BACKEND_3_8003=20",
    "SERVER_WEIGHT_BACKEND_3_8004=5",
    "SERVERS=http://backend-3:8003",
  ]);
  expect(lines).toContain("# .env cannot say this: zone a");
});
