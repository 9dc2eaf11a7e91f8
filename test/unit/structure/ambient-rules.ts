/**
 * The clock, randomness and the environment are parameters: only composition roots may reach for the ambient ones. That
 * is what lets tests and the simulator run the product's own code under a clock and a seed of their own.
 */
import { importsOf, isFreeName } from "./import-rules.ts";
import type { SourceFile } from "./source-tokens.ts";

/** What is ambient, and in which source it shows. */
export const AMBIENT = ["clock", "randomness", "environment"] as const;
/** A kind of ambient input. */
export type Ambient = (typeof AMBIENT)[number];

/** Members of globals, by kind. */
const MEMBERS: Readonly<Record<string, Readonly<Record<string, Ambient>>>> = {
  Date: { now: "clock" },
  performance: { now: "clock", timeOrigin: "clock" },
  Math: { random: "randomness" },
  crypto: {
    getRandomValues: "randomness",
    randomUUID: "randomness",
    randomBytes: "randomness",
    randomInt: "randomness",
  },
  process: { env: "environment", hrtime: "clock", uptime: "clock" },
  Bun: { env: "environment", nanoseconds: "clock", randomUUIDv7: "randomness" },
};
const RANDOM_IMPORTS = ["getRandomValues", "randomUUID", "randomBytes", "randomInt", "randomFillSync"];

/** A use of something ambient. */
export interface AmbientUse {
  readonly path: string;
  readonly line: number;
  readonly kind: Ambient;
  readonly what: string;
}

/** Every use of something ambient in a file. */
export function ambientUses(file: SourceFile): AmbientUse[] {
  const { path, tokens } = file;
  const uses: AmbientUse[] = [];
  const add = (i: number, kind: Ambient, what: string) => uses.push({ path, line: tokens[i].line, kind, what });
  const text = (i: number) => tokens[i]?.text;
  for (let i = 0; i < tokens.length; i++) {
    const name = tokens[i].text;
    if (Object.hasOwn(MEMBERS, name) && isGlobal(file, i)) {
      const members = MEMBERS[name];
      const dotted = text(i + 1) === "." || text(i + 1) === "?.";
      const member = dotted ? text(i + 2) : text(i + 1) === "[" ? text(i + 2)?.slice(1, -1) : undefined;
      if (member !== undefined && Object.hasOwn(members, member)) add(i, members[member], `${name}.${member}`);
      for (const picked of destructured(file, i)) {
        if (Object.hasOwn(members, picked)) add(i, members[picked], `{ ${picked} } = ${name}`);
      }
    }
    if (name === "new" && text(i + 1) === "Date" && text(i + 2) !== "(") add(i, "clock", "new Date");
    if (name === "new" && text(i + 1) === "Date" && text(i + 3) === ")") add(i, "clock", "new Date()");
    // commander's `.env("NAME")` reads the environment when the command line is parsed.
    if (name === "." && text(i + 1) === "env" && text(i + 2) === "(") add(i, "environment", ".env()");
    if (RANDOM_IMPORTS.includes(name) && importsOf(file).some(({ specifier }) => /^(node:)?crypto$/.test(specifier))) {
      if (text(i - 1) !== ".") add(i, "randomness", name);
    }
  }
  return uses;
}

/** A global's name, also behind `globalThis.`; not another object's property or key. */
function isGlobal(file: SourceFile, at: number): boolean {
  const { tokens } = file;
  if (tokens[at - 1]?.text === "." && tokens[at - 2]?.text === "globalThis") return true;
  return isFreeName(file, at);
}

/** Names taken out of the object at `at`: `const { env } = process`. */
function destructured({ tokens }: SourceFile, at: number): string[] {
  if (tokens[at - 1]?.text !== "=" || tokens[at - 2]?.text !== "}") return [];
  const names: string[] = [];
  for (let i = at - 3; i >= 0 && tokens[i].depth > tokens[at].depth; i--) names.push(tokens[i].text);
  return names;
}

/** Who may use what, and why. An entry that is no longer needed is an offence too. */
export const COMPOSITION_ROOTS: Readonly<Record<string, { readonly may: readonly Ambient[]; readonly why: string }>> = {
  "src/cli/backend.ts": {
    may: ["clock", "randomness", "environment"],
    why: "command: it hands clock and chance to the server for trials, whose options may come from the environment",
  },
  "src/cli/check.ts": { may: ["clock"], why: "command: certificates are checked against today" },
  "src/cli/replay/command.ts": {
    may: ["clock"],
    why: "command: times are told from now; it says how long a replay takes",
  },
  "src/cli/route/command.ts": { may: ["clock"], why: "command: certificates are checked against today" },
  "src/cli/demo.ts": {
    may: ["clock", "randomness", "environment"],
    why: "command: it hands clock and chance to the demo; TERM and NO_COLOR describe the terminal",
  },
  "src/cli/load.ts": { may: ["clock", "randomness"], why: "command: it hands clock and chance to the load" },
  "src/cli/model-server.ts": { may: ["clock"], why: "composition root of the model server" },
  "src/cli/migrate/command.ts": { may: ["clock"], why: "command: who holds a store's lock says since when" },
  "src/cli/models/command.ts": { may: ["clock"], why: "command: it says how old models are" },
  "src/cli/servers/command.ts": { may: ["clock"], why: "command: it waits for a server as long as it is told" },
  "src/cli/stats/command.ts": { may: ["clock"], why: 'command: "2h" is before now' },
  "src/cli/expect/expectation-process.ts": {
    may: ["clock"],
    why: "composition root of the process: of late is before now",
  },
  "src/cli/stats/question-process.ts": { may: ["clock"], why: 'composition root of the process: "2h" is before now' },
  "src/cli/serve.ts": {
    may: ["clock", "environment"],
    why: "command: with --last-good certificates are checked against today; NOTIFY_SOCKET is of whoever started it",
  },
  "src/cli/simulate.ts": { may: ["clock"], why: "command: it says how long a study took" },
  "src/cli/train/from-simulation.ts": { may: ["clock"], why: "command: it says how long a training will take" },
  "src/cli/train/from-store.ts": {
    may: ["clock"],
    why: "command: it says when a model was made, and how long that takes",
  },
  "src/cli/token.ts": { may: ["randomness"], why: "command: a token is made of it" },
  "src/config/environment.ts": { may: ["environment"], why: "the one reader of the product's settings" },
  "src/telemetry/supervised-process.ts": {
    may: ["clock"],
    why: "the head of every process that the supervisor keeps: it says for how long one is meant to end already",
  },
  "src/control/supervisor/supervisor.ts": {
    may: ["clock", "randomness"],
    why: "composition root of the supervisor process",
  },
  "src/demo/child.ts": { may: ["environment"], why: "passes PATH and its like on to the processes of the demo" },
  "src/demo/exit-with-parent.ts": {
    may: ["environment"],
    why: "preloaded into the demo's children before any of their code runs; the variable is a message of the parent",
  },
  "src/learning/models/inference/isolated-model.ts": {
    may: ["environment"],
    why: "passes on to a model's process where libraries are, and nothing else",
  },
  "src/learning/learner-process.ts": { may: ["clock", "randomness"], why: "composition root of the learner process" },
  "src/recorder/recorder-process.ts": { may: ["clock", "randomness"], why: "composition root of the recorder process" },
  "src/acme/acme-process.ts": {
    may: ["clock", "randomness", "environment"],
    why: "composition root of the process of ACME; what the environment says of proxies is taken out of it",
  },
  "src/tracer/tracer-process.ts": {
    may: ["clock", "randomness", "environment"],
    why: "composition root of the tracer process; what the environment says of proxies is taken out of it",
  },
  "src/dashboard/page/app/live.ts": {
    may: ["clock", "randomness"],
    why: "composition root of the page: its signals, its stream, its clock",
  },
  "src/proxy/worker.ts": { may: ["clock", "randomness"], why: "composition root of the worker process" },
};

/** Every use that no composition root is excused for, as `path:line: what`. */
export function ambientOffences(
  files: readonly SourceFile[],
  roots: typeof COMPOSITION_ROOTS = COMPOSITION_ROOTS,
): string[] {
  return files
    .flatMap(ambientUses)
    .filter(({ path, kind }) => !roots[path]?.may.includes(kind))
    .map(({ path, line, kind, what }) => `${path}:${line}: ${what} (${kind}): take it as a parameter`);
}

/** Permissions that no file makes use of. */
export function staleExceptions(
  files: readonly SourceFile[],
  roots: typeof COMPOSITION_ROOTS = COMPOSITION_ROOTS,
): string[] {
  const used = new Set(files.flatMap(ambientUses).map(({ path, kind }) => `${path} ${kind}`));
  return Object.entries(roots).flatMap(([path, { may }]) =>
    may.map((kind) => `${path} ${kind}`).filter((permission) => !used.has(permission)),
  );
}
