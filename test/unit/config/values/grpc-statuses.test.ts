import { describe, expect, test } from "bun:test";
import { status } from "@grpc/grpc-js";
import { GRPC_STATUS_NAMES } from "../../../../src/shared/grpc-status.ts";
import { configOf, problemsOf } from "../../../support/configuration.ts";

const codes = (value?: string) =>
  configOf(value === undefined ? {} : { RETRY_ON_GRPC_STATUS: value }).retry.onGrpcStatus;

test("the names are those of gRPC", () => {
  expect(GRPC_STATUS_NAMES.map((name) => status[name as keyof typeof status])).toEqual(
    GRPC_STATUS_NAMES.map((_, code) => code),
  );
});

describe("RETRY_ON_GRPC_STATUS", () => {
  test("is off unless it is set", () => {
    expect(codes()).toEqual([]);
    expect(codes("OFF")).toEqual([]);
  });

  test("takes codes and names, in any order and more than once", () => {
    expect(codes("14,8")).toEqual([8, 14]);
    expect(codes(" unavailable,RESOURCE_EXHAUSTED ,14")).toEqual([8, 14]);
    expect(codes("deadline-exceeded,16,1")).toEqual([1, 4, 16]);
  });

  test.each([
    ["0", 'entry 1 "0" is neither a code from 1 to 16 nor one of CANCELLED, UNKNOWN, '],
    ["OK", 'entry 1 "OK" is neither'],
    ["14,17", 'entry 2 "17" is neither a code from 1 to 16'],
    ["1.5", 'entry 1 "1.5" is neither'],
    ["5xx", 'entry 1 "5xx" is neither'],
    ["14,", "entry 2 is empty: remove the extra comma"],
    ["14,off", 'entry 2 "off" stands alone or not at all'],
  ])("refuses %s", (value, complaint) => {
    const problems = problemsOf({ RETRY_ON_GRPC_STATUS: value });
    expect(problems.length).toBe(1);
    expect(problems[0]).toStartWith("RETRY_ON_GRPC_STATUS");
    expect(problems[0]).toContain(complaint);
  });
});
