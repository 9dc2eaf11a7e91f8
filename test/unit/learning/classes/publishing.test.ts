/** What the learner publishes of classes, and what workers and the supervisor read of it; and the way back. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { ClassedOutcome } from "../../../../src/learning/classes/request-classes.ts";
import { RequestClasses } from "../../../../src/learning/classes/request-classes.ts";
import { type PoolTemplate, TemplateFeed } from "../../../../src/learning/classes/template-feed.ts";
import { ClassWriter } from "../../../../src/learning/classes/writer.ts";
import { ClassReader } from "../../../../src/proxy/classes/class-reader.ts";
import { Classifier } from "../../../../src/proxy/classes/classifier.ts";
import { TemplateWriter } from "../../../../src/proxy/classes/template-writer.ts";
import { readClasses } from "../../../../src/shared/memory/class-table.ts";
import { CLASSES, ClassWord, TEMPLATE_ROWS } from "../../../../src/shared/memory/layout/classes.ts";
import {
  Header,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { Method } from "../../../../src/shared/memory/series-table.ts";

const POOL = 3;
const SLOTS = Int32Array.of(4, 9);
const SECRET = 77;

let memory: SharedMemory;
let classes: RequestClasses;

beforeEach(() => {
  memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  memory.servers.id.set([104], 4);
  memory.servers.id.set([109], 9);
  classes = new RequestClasses(16);
});

/** So many seconds of traffic by `templates`, with what a request of each costs. */
function learn(templates: ReadonlyMap<number, number>, seconds = 20): void {
  for (let s = 0; s < seconds; s++) {
    for (let i = 0; i < 100; i++) {
      for (const [template, latencyMs] of templates) {
        const outcome: ClassedOutcome = {
          slot: SLOTS[i & 1],
          latencyMs: latencyMs * (0.9 + 0.02 * (i % 11)),
          failed: false,
          inFlight: 0,
          atMs: s * 1000 + i * 10,
          template,
          parentTemplate: 0,
          ownWork: 1,
          othersWork: 1,
        };
        classes.observe(outcome);
        const named = { hash: template, parent: 0, route: 0, method: Method.GET, client: i, text: `/t/${template}` };
        classes.name(named);
      }
    }
    classes.tick(SLOTS, (s + 1) * 1000);
  }
}

const LIGHT = 11;
/** Meets it in the table. */
const HEAVY = 11 + 128;

test("workers find classes by their hash, also where two have the same place, and costs by the server's id", () => {
  learn(
    new Map([
      [LIGHT, 5],
      [HEAVY, 45],
    ]),
  );
  const writer = new ClassWriter(memory.classes, POOL);
  const reader = new ClassReader(memory.classes.pools[POOL]);
  expect(reader.find(LIGHT)).toBe(0);
  writer.publishClasses(classes);
  writer.publishCosts(classes, SLOTS, memory.servers.id);
  const [light, heavy] = [LIGHT, HEAVY].map((hash) => reader.find(hash));
  expect([light > 0, heavy > 0, light !== heavy]).toEqual([true, true, true]);
  expect([reader.find(12345), reader.find(0)]).toEqual([0, 0]);
  const { cost, costId } = memory.classes.costs;
  expect([...costId.subarray(0, 10)]).toEqual([0, 0, 0, 0, 104, 0, 0, 0, 0, 109]);
  for (const slot of SLOTS) expect(cost[slot * CLASSES + heavy] / cost[slot * CLASSES + light]).toBeWithin(5, 12);
});

test("each publication goes into the copy that nobody reads", () => {
  learn(new Map([[LIGHT, 5]]));
  const writer = new ClassWriter(memory.classes, POOL);
  const { words, placeHash } = memory.classes.pools[POOL];
  writer.publishClasses(classes);
  const before = placeHash.slice();
  const first = words[ClassWord.TABLE] & 1;
  classes = new RequestClasses(16);
  learn(new Map([[222, 5]]));
  writer.publishClasses(classes);
  expect(words[ClassWord.TABLE] & 1).toBe(1 - first);
  expect(placeHash.subarray(first * 128, first * 128 + 128)).toEqual(before.subarray(first * 128, first * 128 + 128));
  expect(new ClassReader(memory.classes.pools[POOL]).find(222)).toBeGreaterThan(0);
});

test("a learner that was killed while it wrote keeps nobody from seeing what the next one writes", () => {
  const table = memory.classes.pools[POOL];
  learn(new Map([[LIGHT, 5]]));
  const writer = new ClassWriter(memory.classes, POOL);
  writer.publishClasses(classes);
  table.words[ClassWord.NAMES] = 7; // odd: in writing
  expect(readClasses(table)).toEqual([]);
  for (let i = 0; i < 2; i++) {
    writer.publishFigures(classes);
    expect(readClasses(table).length).toBe(2);
  }
});

test("people see them with names and figures, the rest first", () => {
  const table = memory.classes.pools[POOL];
  expect(readClasses(table)).toEqual([]);
  learn(
    new Map([
      [LIGHT, 5],
      [HEAVY, 45],
    ]),
  );
  const writer = new ClassWriter(memory.classes, POOL);
  writer.publishClasses(classes);
  writer.publishCosts(classes, SLOTS, memory.servers.id);
  writer.publishFigures(classes);
  const [rest, ...named] = readClasses(table);
  expect(rest).toMatchObject({ number: 0, method: null, template: null, route: null });
  expect(named.map(({ template, method }) => [template, method])).toEqual(
    expect.arrayContaining([
      [`/t/${LIGHT}`, "GET"],
      [`/t/${HEAVY}`, "GET"],
    ]),
  );
  expect(named.find(({ hash }) => hash === HEAVY)?.meanMs).toBeWithin(40, 50);
  expect([rest, ...named].reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 5);
});

test("while names are in writing, and after a learner that died in the midst of it, nobody is shown half of them", () => {
  learn(new Map([[LIGHT, 5]]));
  const writer = new ClassWriter(memory.classes, POOL);
  writer.publishClasses(classes);
  writer.publishFigures(classes);
  const table = memory.classes.pools[POOL];
  table.words[ClassWord.NAMES]++;
  expect(readClasses(table)).toEqual([]);
});

describe("what workers tell of templates", () => {
  const request = (path: string) => {
    const headBuffer = Buffer.from(`GET ${path} HTTP/1.1`);
    const parts = { headBuffer, routedStart: 4, targetEnd: 4 + path.length, method: Method.GET, route: 2, grpc: false };
    return { ...parts, clientAddress: Buffer.from("10.0.0.7"), template: 0, parentTemplate: 0, requestClass: 0 };
  };

  test("comes to the learner with its text, once a millisecond at most, and stops when it is a class", () => {
    const templates = new TemplateWriter(memory.classes.templates[0], SECRET);
    const classifier = new Classifier(memory.classes.pools[POOL], templates, SECRET, POOL);
    const feed = new TemplateFeed(memory);
    const seen: PoolTemplate[] = [];
    const first = request("/users/17/posts?x=1");
    classifier.classify(first, 100);
    classifier.classify(request("/other"), 100.5);
    feed.drain((template) => seen.push(template));
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ pool: POOL, route: 2, method: Method.GET, text: "/users/{id}/posts" });
    expect([seen[0].hash, seen[0].parent]).toEqual([first.template, first.parentTemplate]);
    learn(new Map([[first.template, 5]]));
    new ClassWriter(memory.classes, POOL).publishClasses(classes);
    const again = request("/users/18/posts");
    classifier.classify(again, 200);
    expect(again.requestClass).toBeGreaterThan(0);
    feed.drain((template) => seen.push(template));
    expect(seen).toHaveLength(1);
  });

  test("is left out where it cannot be", () => {
    const { words } = memory.classes.templates[0];
    words.fill(0x7fffffff);
    memory.classes.templates[0].head[0] = 5;
    const seen: PoolTemplate[] = [];
    new TemplateFeed(memory).drain((template) => seen.push(template));
    expect(seen).toEqual([]);
    expect(words.length).toBe(TEMPLATE_ROWS * 32);
  });
});
