import { expect, test } from "bun:test";
import { viewers } from "../../../../src/config/values/viewers.ts";

test("everyone, nobody, or ranges", () => {
  expect(viewers.schema.parse("everyone")).toBeNull();
  expect(viewers.schema.parse(" Nobody ")).toEqual([]);
  expect(viewers.schema.parse("10.1.2.3/8, ::1")).toEqual(["10.0.0.0/8", "::1/128"]);
  for (const text of ["all", "everyone,10.0.0.0/8", "10.0.0.0/33"]) {
    expect(viewers.schema.safeParse(text).error?.issues[0].message).toStartWith("must be everyone, nobody, or ranges:");
  }
});
