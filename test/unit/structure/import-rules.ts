/** Which folder of src/ may import what. Data flows one way: ARCHITECTURE.md, "Rooms". */
import { builtinModules } from "node:module";
import { join } from "node:path/posix";
import type { SourceFile } from "./source-tokens.ts";

/** One import, with the file that it means where that is in the project. */
export interface Import {
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** `src/shared/memory/layout/shared-memory.ts`; `null` for packages and modules of the runtime. */
  readonly file: string | null;
}

/** Every import of a file: static, type-only, re-exported and dynamic. */
export function importsOf({ path, tokens }: SourceFile): Import[] {
  const found: Import[] = [];
  for (let i = 1; i < tokens.length; i++) {
    const before = tokens[i - 1].text;
    const dynamic = before === "(" && tokens[i - 2]?.text === "import";
    if (before !== "from" && before !== "import" && !dynamic) continue;
    const match = /^(["'`])(.*)\1$/s.exec(tokens[i].text);
    if (match === null) continue;
    const specifier = match[2];
    const file = specifier.startsWith(".") ? join(path, "..", specifier) : null;
    found.push({ line: tokens[i].line, specifier, file });
  }
  return found;
}

/** Names through which code without imports would reach the world. */
const IMPURE_GLOBALS = [
  "Bun",
  "process",
  "console",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "WebSocket",
];

/** One rule about the files below a folder. */
export interface ImportRule {
  readonly title: string;
  /** Ends with a slash. */
  readonly folder: string;
  /** May it import this? */
  readonly allows: (imported: Import) => boolean;
  /** Globals that the folder must not name. */
  readonly bannedGlobals?: readonly string[];
}

function within(...folders: string[]): (imported: Import) => boolean {
  return ({ file }) => file !== null && folders.some((folder) => file.startsWith(folder));
}

function notFrom(...folders: string[]): (imported: Import) => boolean {
  const banned = within(...folders);
  return (imported) => !banned(imported);
}

function either(
  one: (imported: Import) => boolean,
  other: (imported: Import) => boolean,
): (imported: Import) => boolean {
  return (imported) => one(imported) || other(imported);
}

/** `node:fs`, `fs`, `bun`, `bun:sqlite`: what comes with the runtime. */
function isBuiltin(specifier: string): boolean {
  return /^(node|bun)(:|$)/.test(specifier) || builtinModules.includes(specifier);
}

/** The rules. Each is tried on a fixture that breaks it. */
export const IMPORT_RULES: readonly ImportRule[] = [
  {
    title: "balancing/ is pure: itself and the constants of shared memory, no I/O, nothing of health",
    folder: "src/balancing/",
    allows: within(
      "src/balancing/",
      "src/shared/memory/layout/shared-memory.ts",
      "src/shared/memory/layout/learning.ts",
      "src/shared/memory/layout/classes.ts",
    ),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "proxy/http1/ is pure: bytes in, numbers out; of shared/ only the names of methods",
    folder: "src/proxy/http1/",
    allows: within("src/proxy/http1/", "src/shared/memory/series-table.ts"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "proxy/http2/ is pure: frames and header blocks to heads of HTTP/1.1 and back; clocks are handed in",
    folder: "src/proxy/http2/",
    allows: within("src/proxy/http2/", "src/proxy/http1/", "src/shared/memory/series-table.ts"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "proxy/route/ is pure: heads in, numbers of routes out",
    folder: "src/proxy/route/",
    allows: within(
      "src/proxy/route/",
      "src/proxy/path/",
      "src/proxy/http1/",
      "src/protocol/",
      "src/shared/memory/series-table.ts",
    ),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "proxy/path/ is pure: what a path means, for who finds routes, rewrites and reads the configuration",
    folder: "src/proxy/path/",
    allows: within("src/proxy/path/", "src/proxy/http1/char-class.ts"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "proxy/upstream/ opens no socket by itself: whose sockets there are is known in proxy/sockets/ alone",
    folder: "src/proxy/upstream/",
    allows: ({ specifier }) => !isBuiltin(specifier),
    bannedGlobals: ["Bun"],
  },
  {
    title: "proxy/listen/ opens no socket by itself: whose sockets there are is known in proxy/sockets/ alone",
    folder: "src/proxy/listen/",
    allows: ({ specifier }) => !isBuiltin(specifier),
    bannedGlobals: ["Bun"],
  },
  {
    title: "proxy/ knows nothing of the control plane, of health verdicts' making, of storage or of learning",
    folder: "src/proxy/",
    allows: notFrom(
      "src/control/",
      "src/health/",
      "src/storage/",
      "src/learning/",
      "src/cluster/",
      "src/config/",
      "src/cli/",
      "src/demo/",
      "src/simulator/",
      "src/training/",
    ),
  },
  {
    title: "shared/ imports nothing but shared/, the runtime's own modules and what reads addresses",
    folder: "src/shared/",
    allows: (imported) =>
      within("src/shared/")(imported) || isBuiltin(imported.specifier) || imported.specifier === "ipaddr.js",
  },
  {
    title:
      "protocol/ is what messages hold: of the configuration it knows the types of the settings that are handed over, of the store what its place and its rows are",
    folder: "src/protocol/",
    allows: within(
      "src/protocol/",
      "src/shared/",
      "src/config/given.ts",
      "src/storage/backends.ts",
      "src/storage/history-store.ts",
    ),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title:
      "health/ judges what it is given: of the request path it knows how HTTP/2 is read, and nothing of the control plane",
    folder: "src/health/",
    allows: either(
      within("src/proxy/http2/"),
      notFrom("src/proxy/", "src/control/", "src/config/", "src/cli/", "src/telemetry/"),
    ),
  },
  {
    title:
      "control/ does not reach into the request path: they meet in shared memory, in the protocol, and in what failures mean; of history it knows what answers look like",
    folder: "src/control/",
    allows: either(
      within("src/proxy/failure.ts", "src/history/answer.ts"),
      notFrom("src/proxy/", "src/learning/", "src/history/", "src/cli/", "src/demo/", "src/simulator/"),
    ),
  },
  {
    title: "control/admin/ shows what fleet and processes tell; who puts them together is the supervisor's business",
    folder: "src/control/admin/",
    allows: notFrom("src/control/supervisor/", "src/control/discovery/"),
  },
  {
    title: "control/fleet/ stands on discovery, and knows neither who asks it nor what else runs",
    folder: "src/control/fleet/",
    allows: notFrom("src/control/supervisor/", "src/control/admin/", "src/control/processes/"),
  },
  {
    title: "control/discovery/ finds servers, and does not know what becomes of them",
    folder: "src/control/discovery/",
    allows: notFrom("src/control/supervisor/", "src/control/admin/", "src/control/processes/", "src/control/fleet/"),
  },
  {
    title: "control/processes/ keeps processes alive, and does not know what they are told",
    folder: "src/control/processes/",
    allows: notFrom("src/control/supervisor/", "src/control/admin/", "src/control/fleet/", "src/control/discovery/"),
  },
  {
    title: "telemetry/ reads shared memory and nobody's insides",
    folder: "src/telemetry/",
    allows: notFrom("src/proxy/", "src/control/", "src/config/", "src/cli/", "src/health/", "src/balancing/"),
  },
  {
    title: "learning/ knows neither the request path nor who starts it, and serves without what trains",
    folder: "src/learning/",
    allows: notFrom(
      "src/proxy/",
      "src/control/",
      "src/cli/",
      "src/demo/",
      "src/model-server/",
      "src/simulator/",
      "src/training/",
    ),
  },
  {
    title: "recorder/ adds up what workers tell, for the store: it knows neither the request path nor who starts it",
    folder: "src/recorder/",
    allows: within("src/recorder/", "src/protocol/", "src/shared/", "src/storage/", "src/telemetry/"),
  },
  {
    title:
      "tracer/ makes spans of what workers tell, and sends them: it knows neither the request path nor who starts it",
    folder: "src/tracer/",
    allows: (imported) =>
      within("src/tracer/", "src/protocol/", "src/shared/", "src/telemetry/", "package.json")(imported) ||
      ["@grpc/grpc-js", "node:tls", "node:zlib"].includes(imported.specifier),
  },
  {
    title:
      "acme/ gets certificates: it knows neither the request path nor who starts it, and its library is nobody else's",
    folder: "src/acme/",
    allows: (imported) =>
      within("src/acme/", "src/protocol/", "src/shared/", "src/telemetry/", "package.json")(imported) ||
      isBuiltin(imported.specifier) ||
      ["acme-client", "axios", "zod"].includes(imported.specifier),
  },
  {
    title: "tracer/encode/ is pure: records in, bytes out",
    folder: "src/tracer/encode/",
    allows: within("src/tracer/encode/", "src/tracer/names.ts", "src/shared/"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title:
      "simulator/ runs the product's parts on simulated time: it knows neither processes nor disks, nor who trains on it",
    folder: "src/simulator/",
    allows: notFrom(
      "src/proxy/",
      "src/control/",
      "src/cli/",
      "src/demo/",
      "src/model-server/",
      "src/storage/",
      "src/telemetry/",
      "src/training/",
    ),
  },
  {
    title:
      "training/ stands on learning, the simulator and the store: it knows nothing of what serves, nor who starts it",
    folder: "src/training/",
    allows: notFrom(
      "src/proxy/",
      "src/control/",
      "src/health/",
      "src/config/",
      "src/cli/",
      "src/demo/",
      "src/model-server/",
      "src/telemetry/",
    ),
  },
  {
    title: "replay/ stands on the simulator and on what is recorded: it knows neither what serves, nor who asks",
    folder: "src/replay/",
    allows: notFrom(
      "src/proxy/",
      "src/control/",
      "src/config/",
      "src/cli/",
      "src/demo/",
      "src/model-server/",
      "src/telemetry/",
      "src/training/",
    ),
  },
  {
    title: "replay/reading/ makes recordings: it knows nothing of what is made of them",
    folder: "src/replay/reading/",
    allows: (imported) =>
      within(
        "src/replay/reading/",
        "src/replay/recording.ts",
        "src/shared/",
        "src/storage/history-store.ts",
      )(imported) || isBuiltin(imported.specifier),
  },
  {
    title: "replay/report/ shows results: it knows nothing of how they came about",
    folder: "src/replay/report/",
    allows: within("src/replay/report/", "src/replay/recording.ts", "src/replay/result.ts", "src/shared/"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "load/ asks as any client does: it knows nothing of the product but the paths that it has for everybody",
    folder: "src/load/",
    allows: (imported) => within("src/load/", "src/shared/")(imported) || imported.specifier === "zod",
  },
  {
    title: "model-server/ knows models and its own configuration, and nothing of the balancer",
    folder: "src/model-server/",
    allows: notFrom(
      "src/proxy/",
      "src/balancing/",
      "src/control/",
      "src/health/",
      "src/storage/",
      "src/cluster/",
      "src/simulator/",
      "src/cli/",
      "src/demo/",
    ),
  },
  {
    title: "learning/features/ makes features of outcomes, and knows nothing of what they are for",
    folder: "src/learning/features/",
    allows: within("src/learning/features/", "src/balancing/", "src/shared/"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "learning/models/ gives scores for rows: of the rest of learning it knows what the columns are called",
    folder: "src/learning/models/",
    allows: either(notFrom("src/learning/"), within("src/learning/models/", "src/learning/features/feature-names.ts")),
  },
  {
    title: "learning/serving/ makes tables of features and models, and knows nothing of how models are judged",
    folder: "src/learning/serving/",
    allows: either(
      notFrom("src/learning/"),
      within("src/learning/serving/", "src/learning/features/", "src/learning/models/"),
    ),
  },
  {
    title:
      "learning/judge/ is pure: outcomes and a clock in, verdicts out; of the rest it knows what the layout names, and means that forget",
    folder: "src/learning/judge/",
    allows: within(
      "src/learning/judge/",
      "src/evidence/",
      "src/balancing/estimators/",
      "src/shared/memory/layout/learning.ts",
    ),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "cluster/ is what instances tell each other: it knows neither who tells it, nor what becomes of it",
    folder: "src/cluster/",
    allows: (imported) =>
      within("src/cluster/", "src/shared/", "src/protocol/redis-place.ts")(imported) ||
      ["zod", "@redis/client"].includes(imported.specifier) ||
      isBuiltin(imported.specifier),
  },
  {
    title: "cluster/exchange/ is pure: replies and clocks in, numbers out",
    folder: "src/cluster/exchange/",
    allows: (imported) =>
      within("src/cluster/exchange/", "src/shared/")(imported) || ["node:crypto", "zod"].includes(imported.specifier),
    bannedGlobals: ["Bun", "process", "fetch", "setTimeout", "setInterval"],
  },
  {
    title: "evidence/ is pure: it counts costs, whoever is on trial, and knows of nothing else",
    folder: "src/evidence/",
    allows: within("src/evidence/"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "learning/judge/trials/ stands on the evidence, and knows nothing of what a finding leads to",
    folder: "src/learning/judge/trials/",
    allows: notFrom(
      "src/learning/judge/guardrail/",
      "src/learning/judge/lifecycle/",
      "src/learning/judge/judge.ts",
      "src/learning/judge/verdict.ts",
    ),
  },
  {
    title: "learning/judge/guardrail/ and the life of models meet in the judge alone: this way",
    folder: "src/learning/judge/guardrail/",
    allows: notFrom("src/learning/judge/lifecycle/", "src/learning/judge/judge.ts"),
  },
  {
    title: "learning/judge/lifecycle/ and the guardrail meet in the judge alone: and that way",
    folder: "src/learning/judge/lifecycle/",
    allows: notFrom("src/learning/judge/guardrail/", "src/learning/judge/judge.ts"),
  },
  {
    title: "learning/online/ is the loop over all the rooms of learning, and knows nothing of the process around it",
    folder: "src/learning/online/",
    allows: either(
      notFrom("src/learning/"),
      within(
        "src/learning/online/",
        "src/learning/features/",
        "src/learning/models/",
        "src/learning/serving/",
        "src/learning/judge/",
        "src/learning/cluster/",
      ),
    ),
  },
  {
    title:
      "learning/cluster/model/ is who trains and what was promoted: it knows nothing of how models are judged and run",
    folder: "src/learning/cluster/model/",
    allows: either(notFrom("src/learning/"), within("src/learning/cluster/model/")),
  },
  {
    title:
      "storage/ keeps what it is given: it knows the names of learning's features, the buckets of durations, what operators change, and nothing else",
    folder: "src/storage/",
    allows: (imported) =>
      within(
        "src/storage/",
        "src/learning/features/feature-names.ts",
        "src/shared/history-buckets.ts",
        "src/shared/operations/",
      )(imported) ||
      imported.specifier === "zod" ||
      isBuiltin(imported.specifier),
  },
  {
    title: "history/ asks a reader, whatever keeps what it reads: questions in, answers out",
    folder: "src/history/",
    allows: within("src/history/", "src/shared/", "src/storage/history-store.ts"),
    bannedGlobals: IMPURE_GLOBALS,
  },
  {
    title: "storage/buffered/ knows no backend, neither SQL nor files: only what waits, is tried again and is told",
    folder: "src/storage/buffered/",
    allows: within(
      "src/storage/buffered/",
      "src/storage/rows/",
      "src/storage/backend.ts",
      "src/storage/history-pages.ts",
      "src/storage/history-store.ts",
      "src/storage/learning-store.ts",
      "src/storage/store-error.ts",
      "src/storage/store-reader.ts",
    ),
  },
  ...["src/replay/fit/", "src/replay/simulate/", "src/replay/check/"].map(
    (folder): ImportRule => ({
      title: `${folder} is pure: recordings in, figures out`,
      folder,
      allows: either(
        within("src/replay/", "src/balancing/", "src/simulator/"),
        within("src/health/control-loop.ts", "src/learning/models/network.ts"),
      ),
      bannedGlobals: IMPURE_GLOBALS,
    }),
  ),
  {
    title: "src/ imports nothing of tests, benchmarks or scripts",
    folder: "src/",
    allows: ({ file }) => file === null || file.startsWith("src/") || file === "package.json",
  },
];

/** Every offence against `rule` among `files`, as `path:line: what`. */
export function importOffences(rule: ImportRule, files: readonly SourceFile[]): string[] {
  const { folder, allows, bannedGlobals = [] } = rule;
  return files
    .filter(({ path }) => path.startsWith(folder))
    .flatMap((file) => [
      ...importsOf(file)
        .filter((imported) => !allows(imported))
        .map(({ line, specifier }) => `${file.path}:${line}: imports ${specifier}`),
      ...file.tokens
        .filter(({ text }, i) => bannedGlobals.includes(text) && isFreeName(file, i))
        .map(({ line, text }) => `${file.path}:${line}: uses ${text}`),
    ]);
}

/** True for a name that is no property (`.process`) and no key (`{ process: … }`). */
export function isFreeName({ tokens }: SourceFile, at: number): boolean {
  const before = tokens[at - 1]?.text;
  if (before === "." || before === "?.") return false;
  return tokens[at + 1]?.text !== ":" || (before !== "{" && before !== ",");
}
