import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { PathTemplate } from "../../../../src/proxy/classes/path-template.ts";
import { TEMPLATE_BYTES } from "../../../../src/shared/memory/layout/classes.ts";
import { Method } from "../../../../src/shared/memory/series-table.ts";

const SECRET = 0x1234_5678;

function bytesOf(path: string): Uint8Array {
  return Buffer.from(path, "latin1");
}

function textOf(path: string, { literal = false } = {}): string {
  const to = new Uint8Array(TEMPLATE_BYTES);
  const bytes = bytesOf(path);
  return Buffer.from(to.subarray(0, new PathTemplate(SECRET).write(bytes, 0, bytes.length, literal, to))).toString();
}

function hashOf(path: string, { method = Method.GET as number, route = 0, literal = false, secret = SECRET } = {}) {
  const template = new PathTemplate(secret);
  const bytes = bytesOf(path);
  template.read(bytes, 0, bytes.length, method, route, literal);
  return { hash: template.hash, parent: template.parent };
}

describe("what a path folds to", () => {
  const cases: readonly (readonly [path: string, template: string])[] = [
    ["/", "/"],
    ["//", "/"],
    ["/users", "/users"],
    ["/users/", "/users"],
    ["/users//all", "/users/all"],
    ["/users?id=7", "/users"],
    ["/users/7", "/users/{id}"],
    ["/users/7/orders/1234567", "/users/{id}/orders/{id}"],
    ["/users/007?x=/a/b", "/users/{id}"],
    ["/api/v1/items", "/api/v1/items"],
    ["/api/v2/oauth2/token", "/api/v2/oauth2/token"],
    ["/1/statuses", "/{id}/statuses"],
    ["/orders/550e8400-e29b-41d4-a716-446655440000", "/orders/{id}"],
    ["/orders/550E8400E29B41D4A716446655440000/pay", "/orders/{id}/pay"],
    ["/commits/deadbee1", "/commits/{id}"],
    ["/commits/deadbeef", "/commits/deadbeef"],
    ["/facade", "/facade"],
    ["/reports/2026-11-30", "/reports/{id}"],
    ["/reports/2026-11-30T12:00:00Z.csv", "/reports/{id}.csv"],
    ["/files/a1b2c3d4e5.png", "/files/{id}.png"],
    ["/files/logo.png", "/files/logo.png"],
    ["/files/video.mp4", "/files/video.mp4"],
    ["/files/12345.mp4", "/files/{id}.mp4"],
    ["/files/1.2.3", "/files/{id}"],
    ["/files/.hidden", "/files/.hidden"],
    ["/tokens/eyJhbGciOiJIUzI1NiJ9", "/tokens/{id}"],
    ["/tokens/aBcdefghijklmnopqrs1", "/tokens/{id}"],
    ["/tokens/abcdefghijklmnopqrst", "/tokens/abcdefghijklmnopqrst"],
    ["/blog/how-to-be-glad-of-one-queue-for-all-servers", "/blog/{id}"],
    ["/users/jürgen", "/users/{id}"],
    ["/users/J%C3%BCrgen", "/users/{id}"],
    ["/@alice", "/{id}"],
    ["/items;v=1/x", "/{id}/x"],
    ["/order-12345", "/{id}"],
    ["/v1/items:batchGet", "/v1/items:batchGet"],
    ["/users#part", "/users"],
  ];
  for (const [path, template] of cases) test(`${path} → ${template}`, () => expect(textOf(path)).toBe(template));

  test("a call of gRPC keeps its service and method", () => {
    const path = "/company.inventory.v1beta123.InventoryService/ListItems";
    expect(textOf(path, { literal: true })).toBe(path);
    expect(hashOf(path, { literal: true }).parent).toBe(0);
  });

  test("a long template is cut, and says so", () => {
    const text = textOf(`/${"abcdefghij/".repeat(11)}`);
    expect(Buffer.byteLength(text)).toBe(TEMPLATE_BYTES);
    expect(text.endsWith("…")).toBe(true);
  });

  test("what is behind the twelfth segment and behind 512 bytes counts for nothing", () => {
    const twelve = "/ab".repeat(12);
    expect(hashOf(`${twelve}/cd`).hash).toBe(hashOf(`${twelve}/ef`).hash);
    const long = `/ab/${"x".repeat(600)}`;
    expect(hashOf(`${long}/cd`).hash).toBe(hashOf(`${long}/ef`).hash);
  });
});

describe("hashes", () => {
  test("are alike exactly where templates are", () => {
    expect(hashOf("/users/7?a=1")).toEqual(hashOf("/users/12345/?b=2"));
    expect(hashOf("/users/7").hash).not.toBe(hashOf("/users/all").hash);
    expect(hashOf("/ab/c").hash).not.toBe(hashOf("/a/bc").hash);
    expect(hashOf("/a").hash).not.toBe(hashOf("/a", { method: Method.POST }).hash);
    expect(hashOf("/a").hash).not.toBe(hashOf("/a", { route: 1 }).hash);
    expect(hashOf("/{id}").hash).not.toBe(hashOf("/7").hash);
  });

  test("say what a template has in common with its neighbours", () => {
    const { parent } = hashOf("/users/alice");
    expect(hashOf("/users/bob").parent).toBe(parent);
    expect(hashOf("/groups/bob").parent).not.toBe(parent);
    expect(hashOf("/users/7").parent).toBe(0);
    expect(hashOf("/").parent).toBe(0);
  });

  test("depend on the secret, so that nobody outside can make two templates meet", () => {
    const { next } = seededRandom(1);
    const names = Array.from(
      { length: 20_000 },
      () => `/${[...Array(8)].map(() => String.fromCharCode(97 + next() * 26)).join("")}`,
    );
    const met = (secret: number) => {
      const places = new Map<number, string>();
      for (const name of names) {
        const place = hashOf(name, { secret }).hash & 0xfffff;
        places.set(place, places.has(place) && places.get(place) !== name ? `${places.get(place)} ${name}` : name);
      }
      return new Set([...places.values()].filter((text) => text.includes(" ")));
    };
    const one = met(1);
    const other = met(2);
    expect(one.size).toBeGreaterThan(50);
    expect([...one].filter((pair) => other.has(pair)).length).toBeLessThan(5);
  });

  test("are well spread: 40,000 templates of a kind meet no more often than chance has it", () => {
    const seen = new Set<number>();
    for (let i = 0; i < 40_000; i++)
      seen.add(hashOf(`/a/${i.toString(26).replace(/\d/g, (d) => "qrstuvwxyz"[Number(d)])}`).hash);
    expect(seen.size).toBeGreaterThan(39_990);
  });

  test("nothing of a path can be read beyond its end", () => {
    const template = new PathTemplate(SECRET);
    const bytes = bytesOf("xx/users/7/yy");
    template.read(bytes, 2, 10, Method.GET, 0, false);
    const { hash } = template;
    expect(hash).toBe(hashOf("/users/7").hash);
  });
});
