import { describe, expect, test } from "bun:test";
import { LineLeft, WorkLine } from "../../../src/backend/work-line.ts";
import { turn } from "../../support/turn.ts";

describe("WorkLine", () => {
  test("works on N at once and takes the others in order", async () => {
    const line = new WorkLine(2);
    const order: number[] = [];
    for (let i = 0; i < 5; i++) void line.enter().then(() => order.push(i));
    await turn();
    expect(order).toEqual([0, 1]);
    expect([line.busy, line.waiting]).toEqual([2, 3]);
    line.leave();
    await turn();
    line.leave();
    await turn();
    expect(order).toEqual([0, 1, 2, 3]);
    expect([line.busy, line.waiting]).toEqual([2, 1]);
  });

  test("has no line without a limit", async () => {
    const line = new WorkLine(0);
    await Promise.all(Array.from({ length: 100 }, () => line.enter()));
    expect([line.busy, line.waiting]).toEqual([100, 0]);
  });

  test("passes over those who gave up", async () => {
    const line = new WorkLine(1);
    await line.enter();
    const impatient = new AbortController();
    const left = line.enter(impatient.signal);
    let reached = false;
    void line.enter().then(() => {
      reached = true;
    });
    impatient.abort();
    await expect(left).rejects.toBeInstanceOf(LineLeft);
    expect(line.waiting).toBe(1);
    line.leave();
    await turn();
    expect(reached).toBe(true);
    expect([line.busy, line.waiting]).toEqual([1, 0]);
    await expect(line.enter(impatient.signal)).rejects.toBeInstanceOf(LineLeft);
  });

  test("forgets those who gave up, however many", async () => {
    const line = new WorkLine(1);
    await line.enter();
    for (let i = 0; i < 500; i++) {
      const impatient = new AbortController();
      line.enter(impatient.signal).catch(() => {});
      impatient.abort();
    }
    expect(line.waiting).toBe(0);
    line.leave();
    expect(line.busy).toBe(0);
  });

  test("refuses when the line is full", async () => {
    const line = new WorkLine(1, 1);
    await line.enter();
    void line.enter();
    await expect(line.enter()).rejects.toThrow("full");
  });

  test("more workers take the next in line at once", async () => {
    const line = new WorkLine(1);
    let started = 0;
    for (let i = 0; i < 4; i++) void line.enter().then(() => started++);
    await turn();
    expect(started).toBe(1);
    line.setWorkers(3);
    await turn();
    expect(started).toBe(3);
  });
});
