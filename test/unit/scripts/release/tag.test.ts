import { expect, test } from "bun:test";
import { contradictions, versionOf } from "../../../../scripts/release/tag.ts";

test.each([
  ["v0.2.0", "0.2.0", false],
  ["v10.20.30", "10.20.30", false],
  ["v1.0.0-rc.1", "1.0.0-rc.1", true],
  ["v1.0.0-0a", "1.0.0-0a", true],
])("%s is a version", (tag, version, isPrerelease) => {
  expect(versionOf(tag)).toEqual({ version, isPrerelease });
});

test.each([
  "0.2.0",
  "v0.2",
  "v0.2.0.1",
  "v00.2.0",
  "v1.0.0-01",
  "v1.0.0-",
  "v1.0.0+build",
  "v1.0.0 ",
  "v1.x.0",
  "v1.0.0;id",
  "",
])("%p is none", (tag) => {
  expect(() => versionOf(tag)).toThrow(`the tag ${JSON.stringify(tag)} is not v and a version`);
});

test("whoever says another version is named", () => {
  const stated = [
    { where: "package.json", version: "0.2.0" },
    { where: "Chart.yaml, version", version: "0.1.0" },
    { where: "Chart.yaml, appVersion", version: 0.2 },
    { where: "application.yaml", version: undefined },
  ];
  expect(contradictions("0.2.0", stated)).toEqual([
    'Chart.yaml, version says "0.1.0"',
    "Chart.yaml, appVersion says 0.2",
    "application.yaml says nothing",
  ]);
});
