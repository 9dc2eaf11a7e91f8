/** What telling classes of requests apart costs in a worker: finding the class of a request, and placing it by expected work. */
import { join } from "node:path";
import type { Case } from "./cases.ts";

const SECRET = 12_345;
const PATHS = [
  "/api/v1/users/1234567/orders?page=2",
  "/orders/550e8400-e29b-41d4-a716-446655440000/items/17",
  "/assets/app/main.js",
  "/search?q=load+balancer",
];

/** @param memoryPath of shared memory that nobody else uses. */
export async function makeClassCases(root: string, memoryPath: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src", path);
  const load = async <T>(path: string): Promise<T> => (await import(source(path))) as T;
  const { createSharedMemory } = await load<typeof import("../../src/shared/memory/file.ts")>("shared/memory/file.ts");
  const { CLASSES, ClassWord } = await load<typeof import("../../src/shared/memory/layout/classes.ts")>(
    "shared/memory/layout/classes.ts",
  );
  const { Classifier } =
    await load<typeof import("../../src/proxy/classes/classifier.ts")>("proxy/classes/classifier.ts");
  const { PathTemplate } = await load<typeof import("../../src/proxy/classes/path-template.ts")>(
    "proxy/classes/path-template.ts",
  );
  const { TemplateWriter } = await load<typeof import("../../src/proxy/classes/template-writer.ts")>(
    "proxy/classes/template-writer.ts",
  );
  const { WorkInFlight } =
    await load<typeof import("../../src/proxy/pick/work-in-flight.ts")>("proxy/pick/work-in-flight.ts");
  const memory = createSharedMemory(memoryPath, SECRET);
  const table = memory.classes.pools[0];
  const requests = PATHS.map((path) => {
    const headBuffer = Buffer.from(`GET ${path} HTTP/1.1`);
    const parts = { headBuffer, routedStart: 4, targetEnd: 4 + path.length, method: 1, route: 0, grpc: false };
    return { ...parts, clientAddress: Buffer.from("10.0.0.7"), template: 0, parentTemplate: 0, requestClass: 0 };
  });
  const template = new PathTemplate(SECRET);
  const known = (count: number): void => {
    table.placeHash.fill(0);
    for (const [i, { headBuffer, routedStart, targetEnd }] of requests.slice(0, count).entries()) {
      template.read(headBuffer, routedStart, targetEnd, 1, 0, false);
      let place = template.hash & 127;
      while (table.placeHash[place] !== 0) place = (place + 1) & 127;
      table.placeHash[place] = template.hash;
      table.placeClass[place] = i + 1;
    }
    table.words[ClassWord.TABLE] = 2;
  };
  const classifier = new Classifier(table, new TemplateWriter(memory.classes.templates[0], SECRET), SECRET, 0);
  let nowMs = 0;
  const classifying = (name: string, count: number): Case => ({
    name: `the class of a request, ${name}`,
    run: (times) => {
      known(count);
      for (let i = 0; i < times; i++) {
        nowMs += 0.05;
        classifier.classify(requests[i & 3], nowMs);
      }
    },
    check: () => {
      if (requests.filter(({ requestClass }) => requestClass > 0).length !== count) throw new Error("wrong classes");
    },
  });
  memory.servers.id[0] = 1;
  memory.classes.costs.costId[0] = 1;
  memory.classes.costs.cost.fill(2, 0, CLASSES);
  const counting = (name: string, on: boolean): Case => {
    const work = new WorkInFlight(memory, memory.workers[0]);
    work.on = on;
    return {
      name: `work in flight, taken and given back, ${name}`,
      run: (times) => {
        for (let i = 0; i < times; i++) {
          work.take(0, i & 3);
          work.give(0, work.taken);
        }
      },
      check: () => {
        if (work.taken > 0 !== on || memory.servers.workInFlight[0] !== 0) throw new Error("wrong work");
      },
    };
  };
  return [
    classifying("all known", 4),
    classifying("none known", 0),
    counting("with classes", true),
    counting("without", false),
  ];
}
