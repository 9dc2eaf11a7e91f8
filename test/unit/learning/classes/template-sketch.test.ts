import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { TemplateSketch } from "../../../../src/learning/classes/template-sketch.ts";

describe("the sketch of templates", () => {
  test("counts exactly while there is room", () => {
    const sketch = new TemplateSketch(3);
    for (const hash of [1, 2, 1, 1, 3, 2]) sketch.add(hash, 0, 1);
    expect([1, 2, 3].map((hash) => sketch.get(hash)?.count)).toEqual([3, 2, 1]);
    expect(sketch.heaviest(2).map(({ hash }) => hash)).toEqual([1, 2]);
  });

  test("keeps what is frequent among millions that come once, and guarantees none of those more than they weigh", () => {
    const sketch = new TemplateSketch(64);
    const { next } = seededRandom(7);
    let frequent = 0;
    for (let i = 0; i < 300_000; i++) {
      const real = next() < 0.04;
      if (real) frequent++;
      sketch.add(real ? 1 : 1000 + i, 0, 1);
    }
    expect(sketch.size).toBe(64);
    const { count, error } = sketch.get(1)!;
    expect(count).toBeGreaterThanOrEqual(frequent);
    expect(count - error).toBeLessThanOrEqual(frequent);
    expect(count - error).toBeGreaterThan(0.9 * frequent);
    expect(sketch.heaviest(2).map(({ hash }) => hash)).toEqual([1]);
  });

  test("forgets", () => {
    const sketch = new TemplateSketch();
    sketch.add(5, 0, 8);
    sketch.fade(0.25);
    expect(sketch.get(5)?.count).toBe(2);
    expect(sketch.total).toBe(2);
    sketch.remove(5);
    expect(sketch.size).toBe(0);
  });
});
