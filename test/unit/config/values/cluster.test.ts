import { describe, expect, test } from "bun:test";
import { SECTIONS } from "../../../../src/config/schema.ts";
import { clusterName, clusterShare } from "../../../../src/config/values/cluster.ts";

function complaint(read: { schema: { safeParse(text: string): unknown } }, text: string): string {
  const result = read.schema.safeParse(text) as { success: boolean; error?: { issues: { message: string }[] } };
  expect(result.success).toBe(false);
  return result.error!.issues[0].message;
}

describe("what instances share", () => {
  test("is some of a few words, in whatever order", () => {
    expect(clusterShare.schema.parse("Changes, in_flight,changes")).toEqual(["in_flight", "changes"]);
    expect(clusterShare.schema.parse("none")).toEqual([]);
  });

  test("CLUSTER_SHARE has everything unless something is said", () => {
    const { share } = SECTIONS.cluster.settings;
    expect(clusterShare.schema.parse(share.default)).toEqual(["in_flight", "health", "learned", "model", "changes"]);
  });

  test.each([
    ["in_flihgt", /nothing called "in_flihgt" is shared \(did you mean in_flight\?\)/],
    ["health,,model", /entry 2 is empty/],
    ["none,model", /none stands alone/],
    ["", /entry 1 is empty/],
  ])("%p is refused in words", (text, words) => {
    expect(complaint(clusterShare, text)).toMatch(words);
  });
});

test("a cluster's name fits into keys", () => {
  expect(clusterName.schema.parse("eu-west_1.a")).toBe("eu-west_1.a");
  for (const name of ["", "A", "a b", "a}b", "a".repeat(65)])
    expect(complaint(clusterName, name)).toMatch(/is no name/);
});
