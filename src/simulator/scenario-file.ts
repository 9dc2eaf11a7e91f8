/** Scenarios from JSON files: docs/simulator.md explains the format. */
import { z } from "zod";
import type { Disturbance, Scenario, SimulatedServer } from "./scenario.ts";
import { isBuiltIn } from "./scenarios.ts";

const MAX_SERVERS = 2048;
const MAX_BALANCERS = 256;
const MAX_KINDS = 256;

/** Of whatever unit: as little as the command line takes. Next to nothing would make next to endless simulations. */
const positive = z.number().min(0.001);
const timeMs = z.number().min(0).max(1e9);
const share = z.number().gt(0).max(1);

const service = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant") }),
  z.strictObject({ kind: z.literal("exponential") }),
  z.strictObject({ kind: z.literal("lognormal"), sigma: positive.max(4) }),
  z.strictObject({ kind: z.literal("bimodal"), share: z.number().gt(0).lt(1), ratio: z.number().min(1).max(1e6) }),
  z.strictObject({
    kind: z.literal("pareto"),
    alpha: positive.max(20).refine((alpha) => alpha !== 1, "must not be 1"),
    ratio: z.number().gt(1).max(1e9),
  }),
]);

const arrivals = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("poisson") }),
  z.strictObject({
    kind: z.literal("bursty"),
    factor: z.number().min(1).max(1000),
    burstMs: positive.max(1e9),
    calmMs: positive.max(1e9),
  }),
]);

const requestKind = z.strictObject({ share: positive.max(1e6), cost: positive.max(1e6) });
const workers = z.int().min(1).max(100_000);

const serverGroup = z.strictObject({
  count: z.int().min(1).max(MAX_SERVERS).default(1),
  workers,
  speed: positive.max(1e6).default(1),
  discipline: z.enum(["fifo", "ps"]).default("fifo"),
});

const effect = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("slow"), factor: positive.max(1e6) }),
  z.strictObject({ kind: z.literal("pause") }),
  z.strictObject({ kind: z.literal("errors"), share }),
  z.strictObject({ kind: z.literal("hangs"), share }),
  z.strictObject({ kind: z.literal("down") }),
  z.strictObject({ kind: z.literal("resize"), workers }),
  z.strictObject({ kind: z.literal("absent") }),
  z.strictObject({ kind: z.literal("freeze"), of: z.enum(["balancers", "machine"]) }),
  z.strictObject({ kind: z.literal("surge"), factor: positive.max(1000) }),
]);

const disturbance = z
  .strictObject({
    effect,
    servers: z.union([z.literal("all"), z.array(z.int().min(0)).min(1)]).default("all"),
    startMs: timeMs.default(0),
    durationMs: timeMs.nullable().default(null),
    everyMs: timeMs.min(1).nullable().default(null),
    random: z.boolean().default(false),
    staggerMs: timeMs.default(0),
  })
  .refine(({ durationMs, everyMs }) => everyMs === null || (durationMs !== null && durationMs < everyMs), {
    message: "must be longer than durationMs, which must be given",
    path: ["everyMs"],
  })
  .refine(({ effect, durationMs }) => !["pause", "freeze"].includes(effect.kind) || durationMs !== null, {
    message: "must be given for a pause or a freeze: what never ends would never be answered",
    path: ["durationMs"],
  })
  .refine(({ random, durationMs }) => !random || durationMs !== null, {
    message: "must be given: random durations need a mean",
    path: ["durationMs"],
  });

/** A scenario as written in a file. */
const scenarioFileSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must be lower-case letters, digits and hyphens"),
    description: z.string().max(200).default(""),
    servers: z.array(serverGroup).min(1),
    service: service.default({ kind: "lognormal", sigma: 1 }),
    kinds: z.array(requestKind).min(1).max(MAX_KINDS).optional(),
    meanMs: positive.max(1e6).default(20),
    load: positive.max(10),
    arrivals: arrivals.default({ kind: "poisson" }),
    disturbances: z.array(disturbance).default([]),
    timeoutMs: positive.max(1e7).default(2000),
    networkMs: timeMs.max(60_000).default(0),
    balancers: z.int().min(1).max(MAX_BALANCERS).default(1),
    sharing: z.union([z.enum(["live", "own", "cluster"]), z.number().min(1).max(1e6)]).default("own"),
    subset: z.int().min(0).max(MAX_SERVERS).default(0),
  })
  .refine(({ servers }) => countServers(servers) <= MAX_SERVERS, {
    message: `must be at most ${MAX_SERVERS} in all`,
    path: ["servers"],
  })
  .refine(({ name }) => !isBuiltIn(name), {
    message: "is the name of a built-in scenario",
    path: ["name"],
  });

/** Reads the text of a scenario file. Throws an `Error` that names everything to mend, one problem a line. */
export function parseScenarioFile(text: string): Scenario {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON: ${(error as Error).message}`);
  }
  const parsed = scenarioFileSchema.safeParse(json);
  if (!parsed.success) throw new Error(describe(parsed.error.issues));
  const { servers: groups, disturbances, ...rest } = parsed.data;
  const servers = groups.flatMap(({ count, ...server }): SimulatedServer[] =>
    Array.from({ length: count }, () => server),
  );
  const problems: string[] = [];
  const complete = disturbances.map((written, i): Disturbance => {
    const ofBalancers = written.effect.kind === "freeze" && written.effect.of === "balancers";
    const count = ofBalancers ? rest.balancers : servers.length;
    const indices = written.servers === "all" ? Array.from({ length: count }, (_, index) => index) : written.servers;
    for (const index of indices) {
      if (index < count) continue;
      problems.push(`disturbances.${i}.servers: there is no ${ofBalancers ? "balancer" : "server"} ${index}`);
    }
    return { ...written, servers: indices, durationMs: written.durationMs ?? Number.POSITIVE_INFINITY };
  });
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return Object.freeze({ ...rest, servers, disturbances: complete });
}

function countServers(groups: readonly { readonly count: number }[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}

function describe(issues: readonly z.core.$ZodIssue[]): string {
  return issues.map(({ path, message }) => `${path.length > 0 ? `${path.join(".")}: ` : ""}${message}`).join("\n");
}
