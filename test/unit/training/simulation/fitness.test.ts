import { describe, expect, test } from "bun:test";
import { parsePolicy } from "../../../../src/simulator/policy.ts";
import {
  drawTasks,
  lossOf,
  networkPolicy,
  referenceOf,
  runTask,
  type TaskFigures,
} from "../../../../src/training/simulation/fitness.ts";
import type { randomNetwork } from "../../../support/networks.ts";
import { blankNetwork, column } from "../support.ts";

const tasks = drawTasks(3, 1000);

/** Routes by the curves alone. */
function curves() {
  const network = blankNetwork(1);
  network.linear[column("log_curve")] = 1;
  return network;
}

describe("tasks", () => {
  test("are the same for the same seed", () => {
    expect(drawTasks(3, 1000)).toEqual(tasks);
    expect(drawTasks(4, 1000).map(({ seed }) => seed)).not.toEqual(tasks.map(({ seed }) => seed));
  });

  test("are every built-in scenario with 1 and 8 balancers, and half as many random ones", () => {
    const random = tasks.filter(({ scenario }) => scenario.name.startsWith("random-"));
    expect(random).toHaveLength(tasks.length / 3);
    expect(new Set(tasks.map(({ scenario }) => `${scenario.name} ${scenario.balancers}`)).size).toBe(tasks.length);
  });
});

test("the same network gives the same figures, whatever was run before it", () => {
  const first = tasks.slice(0, 6).map((task) => runTask(task, networkPolicy(curves())));
  runTask(tasks[7], networkPolicy(curves()));
  expect(tasks.slice(0, 6).map((task) => runTask(task, networkPolicy(curves())))).toEqual(first);
});

test("a yardstick is the best of each figure", () => {
  const reference = referenceOf(tasks[2]);
  for (const name of ["least_response_time", "least_connections+weights", "adaptive"]) {
    const figures = runTask(tasks[2], parsePolicy(name));
    expect(figures.tail).toBeGreaterThanOrEqual(reference.tail);
    expect(figures.median).toBeGreaterThanOrEqual(reference.median);
    expect(figures.errors).toBeGreaterThanOrEqual(reference.errors);
  }
});

describe("the loss", () => {
  const even: TaskFigures = { tail: 5, median: 3, errors: 0.01 };
  const change = (changed: Partial<TaskFigures>) => lossOf([{ ...even, ...changed }], [even]);

  test("of the yardstick itself is 0", () => {
    expect(lossOf([even, even], [even, even])).toBe(0);
  });

  test("a worse tail costs more than a better one gains", () => {
    expect(change({ tail: 4.9 })).toBeLessThan(0);
    expect(change({ tail: 5.1 })).toBeGreaterThan(-change({ tail: 4.9 }));
  });

  test("median and errors count only when they are worse", () => {
    expect(change({ median: 2, errors: 0 })).toBe(0);
    expect(change({ median: 3.1 })).toBeGreaterThan(0);
    expect(change({ errors: 0.02 })).toBeGreaterThan(0);
  });

  test("is the mean over tasks", () => {
    const worse = { ...even, tail: 5.2 };
    expect(lossOf([worse, even], [even, even])).toBeCloseTo(lossOf([worse], [even]) / 2, 12);
  });

  test("a network that routes at random loses to one that knows the curves", () => {
    const few = tasks.slice(0, 8);
    const references = few.map(referenceOf);
    const loss = (network: ReturnType<typeof randomNetwork>) =>
      lossOf(
        few.map((task) => runTask(task, networkPolicy(network))),
        references,
      );
    const wild = blankNetwork(1);
    wild.linear[column("log_load")] = -2;
    expect(loss(curves())).toBeLessThan(loss(wild));
  });
});
