import { expect, test } from "bun:test";
import { historyName } from "../../../src/shared/server-name.ts";

test.each([
  [
    { hostname: "a.example", address: "10.0.0.1", port: 80 },
    { server: "a.example:80", address: "10.0.0.1" },
  ],
  [
    { hostname: "10.0.0.1", address: "10.0.0.1", port: 80 },
    { server: "10.0.0.1:80", address: "" },
  ],
  [
    { hostname: "::1", address: "::1", port: 80 },
    { server: "[::1]:80", address: "" },
  ],
])("%p is %p", (server, name) => expect(historyName(server)).toEqual(name));
