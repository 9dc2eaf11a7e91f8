import { expect, test } from "bun:test";
import {
  ClassCounter,
  MAX_CLASSES,
  OTHER_CLASS,
  pathPattern,
  requestPattern,
} from "../../../../src/replay/reading/classes.ts";

test.each([
  ["/", "/"],
  ["/users/17/orders?page=2", "/users/:id/orders"],
  ["/users/17#top", "/users/:id"],
  ["/f/550e8400-e29b-41d4-a716-446655440000.png", "/f/:id.png"],
  ["/f/550e8400-e29b-41d4-a716-446655440000", "/f/:id"],
  ["/blobs/9f86d081884c7d65", "/blobs/:id"],
  ["/facade/decade", "/facade/decade"],
  ["/s/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/s/:id"],
  ["/api/v2/items", "/api/v2/items"],
  ["http://shop.example/a/1", "/a/:id"],
  ["http://shop.example", "/"],
  ["*", "/"],
  [`/${"x".repeat(41)}`, "/:id"],
  ["/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/…"],
])("%s: %s", (target, pattern) => {
  expect(pathPattern(target)).toBe(pattern);
});

test("method and path", () => {
  expect(requestPattern("POST", "/users/1?x")).toBe("POST /users/:id");
  expect(requestPattern("\\x16\\x03", "")).toBe("? /");
});

test("frequent ones are told apart, the rest is other", () => {
  const counter = new ClassCounter();
  for (let i = 0; i < 1000; i++) counter.count(i % 4 === 0 ? "GET /heavy" : "GET /light");
  expect(counter.classes()).toEqual(["GET /light", "GET /heavy"]);
  counter.count("GET /once");
  expect(counter.classes()).toEqual(["GET /light", "GET /heavy", OTHER_CLASS]);
});

test("there are never too many, and a scan does not drive the frequent ones out", () => {
  const counter = new ClassCounter();
  for (let i = 0; i < 50_000; i++) {
    counter.count(`GET /scan-${i}`);
    counter.count("GET /steady");
  }
  expect(counter.classes()).toEqual(["GET /steady", OTHER_CLASS]);
  const many = new ClassCounter();
  for (let i = 0; i < 2000; i++) many.count(`GET /kind-${i % 20}`);
  expect(many.classes()).toHaveLength(MAX_CLASSES);
});
