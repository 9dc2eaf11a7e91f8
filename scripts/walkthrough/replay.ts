/**
 * Runs what DEMO_WALKTHROUGH.md tells its readers to run, as far as it needs no containers, and compares what comes of it with what
 * the document says: `npm run walkthrough`. With --update the document shows the outputs and pictures of this run.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { describeMachine, machineLine } from "../../bench/common/machine.ts";
import { runAsProgram } from "../../bench/common/run-as-program.ts";
import { postgresPrograms } from "../../test/support/databases/postgres-server.ts";
import { prometheusMajor } from "../../test/support/prometheus.ts";
import {
  type CommandStep,
  NEEDS,
  type Need,
  type PictureStep,
  type Step,
  stepsOf,
  withOutputs,
  withRun,
} from "./document.ts";
import { startBrowser, takePicture } from "./pictures.ts";
import { Session } from "./session.ts";
import { type Extras, extrasHere, Stack } from "./stack.ts";
import { addressHere, asInStack, connectReader, prepareReader, serveControl } from "./stand-ins.ts";
import { versionsHere } from "./versions.ts";

const ROOT = join(import.meta.dir, "../..");
const HELP = `  npm run walkthrough -- [options]

  --document FILE  instead of DEMO_WALKTHROUGH.md
  --update         write the outputs and pictures of this run into it

Needs bash, curl, jq, openssl, PostgreSQL, Redis and Prometheus. Chromium for pictures, the OpenTelemetry Collector (npm run
build:collector) and Loki 3 (in PATH, or named by LOKI) are used where they are; --update wants all of them.
Exit code 0: all that could be run is as the document says.
`;
/** Debian's packages of what there must be. */
const PROGRAMS = { bash: "bash", curl: "curl", jq: "jq", openssl: "openssl", psql: "postgresql-client" };
const SERVERS = { "redis-server": "redis-server", prometheus: "prometheus" };
/** More than the slowest step takes on a machine with much other work. */
const STEP_DEADLINE_MS = 180_000;
const AGAIN_MS = 500;

interface Options {
  readonly document: string;
  readonly update: boolean;
}

/** What became of a step. */
type Verdict = { readonly is: "passed" } | { readonly is: "failed" | "not run"; readonly why: string };

let running: Replay | null = null;

/** One run through the document. */
class Replay {
  readonly #directory = mkdtempSync(join(tmpdir(), "nb-walkthrough-"));
  readonly #extras: Extras;
  readonly #has: ReadonlySet<Need>;
  readonly #control: Bun.Server<undefined>;
  readonly #session: Session;
  #stack: Stack | null = null;
  #browser: Browser | null = null;
  #ending: Promise<void> | null = null;
  /** Of this run, as the document may show them. */
  readonly outputs = new Map<CommandStep, string>();
  readonly pictures = new Map<string, Uint8Array>();

  constructor(extras: Extras) {
    this.#extras = extras;
    const { loki, collector } = extras;
    const has: Record<Need, boolean> = {
      containers: false,
      loki: loki !== null,
      collector,
      browser: Bun.which("chromium") !== null,
      "prometheus-2": prometheusMajor === 2,
    };
    this.#has = new Set(NEEDS.filter((need) => has[need]));
    this.#control = serveControl(() => this.#running);
    const prelude = prepareReader(this.#directory, `http://127.0.0.1:${this.#control.port}`);
    const { PATH, HOME } = process.env;
    this.#session = new Session(prelude, { PATH: `${PATH}:${postgresPrograms()}`, HOME });
  }

  get #running(): Stack {
    if (this.#stack === null) throw new Error("the document has nothing started yet (docker compose up)");
    return this.#stack;
  }

  async step(step: Step): Promise<Verdict> {
    const lacks = step.needs.filter((need) => !this.#has.has(need));
    if (lacks.length > 0) {
      // In its place the same parts start as processes.
      if (step.kind === "command" && step.commands.includes("docker compose up")) await this.#start();
      return { is: "not run", why: `needs ${lacks.join(", ")}` };
    }
    try {
      const why = step.kind === "command" ? await this.#run(step) : await this.#look(step);
      return why === null ? { is: "passed" } : { is: "failed", why };
    } catch (error) {
      return { is: "failed", why: (error as Error).message };
    }
  }

  async #start(): Promise<void> {
    this.#stack = new Stack(this.#directory);
    await this.#stack.start(this.#extras);
    connectReader(this.#directory, this.#stack);
  }

  /** @returns what is not as it should be. */
  async #run(step: CommandStep): Promise<string | null> {
    const until = performance.now() + step.withinSeconds * 1000;
    for (;;) {
      if (step.needs.includes("loki")) await this.#running.shipLog();
      const { output: printed, code } = await this.#session.run(step.commands, STEP_DEADLINE_MS);
      const output = this.#stack === null ? printed : asInStack(printed, this.#stack);
      const problem = code === 0 ? (step.expectation?.problemOf(output) ?? null) : `exit code ${code}`;
      if (problem === null) {
        this.outputs.set(step, output);
        return null;
      }
      if (performance.now() > until) return `${problem}\nIt printed:\n${output.slice(0, 6000)}`;
      await Bun.sleep(AGAIN_MS);
    }
  }

  async #look({ url, sees, path }: PictureStep): Promise<string | null> {
    this.#browser ??= await startBrowser(Bun.which("chromium")!);
    const token = /^ADMIN_TOKEN=(.+)$/m.exec(readFileSync(join(this.#directory, ".env"), "utf8"))?.[1] ?? "";
    this.pictures.set(path, await takePicture(this.#browser, addressHere(url, this.#running), sees, token));
    return null;
  }

  /** It was told to end: what becomes of a step then says nothing. */
  get isEnding(): boolean {
    return this.#ending !== null;
  }

  /** Ends everything that it started, once, however often it is asked to. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const ends = [this.#browser?.close(), this.#session.end(), this.#control.stop(true), this.#stack?.end()];
    const failed = (await Promise.allSettled(ends)).find((end) => end.status === "rejected");
    rmSync(this.#directory, { recursive: true, force: true });
    if (failed !== undefined) throw failed.reason;
  }
}

function parse(args: readonly string[]): Options | string {
  const options = { help: { type: "boolean" }, update: { type: "boolean" }, document: { type: "string" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const { help, update = false, document = join(ROOT, "DEMO_WALKTHROUGH.md") } = values;
  return help ? HELP : { update, document };
}

/** Throws an `Error` that lists what is not installed. */
function assertPrograms(): void {
  const all = Object.entries({ ...PROGRAMS, ...SERVERS });
  const missing = all.filter(([name]) => Bun.which(name) === null).map(([, name]) => name);
  if (postgresPrograms() === null) missing.push("postgresql");
  if (missing.length > 0)
    throw new Error(`what stands for the containers is missing: apt-get install ${missing.join(" ")}`);
}

async function run({ document, update }: Options): Promise<void> {
  assertPrograms();
  const text = readFileSync(document, "utf8");
  const steps = stepsOf(text);
  const extras = extrasHere(process.env);
  running = new Replay(extras);
  const counts = { passed: 0, failed: 0, "not run": 0 };
  try {
    for (const step of steps) {
      const verdict = await running.step(step);
      if (running.isEnding) return;
      counts[verdict.is]++;
      const [first] = step.kind === "command" ? step.commands.split("\n") : [step.path];
      console.log(`${verdict.is.padEnd(8)} line ${step.line}, ${step.title}: ${first}`);
      if (verdict.is !== "passed") console.log(`         ${verdict.why.replaceAll("\n", "\n         ")}`);
    }
    if (update && counts.failed === 0) await write(document, text, steps, running, extras);
  } finally {
    await running.end();
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts["not run"]} not run`);
  if (counts.passed === 0) throw new Error("nothing was run: that proves nothing");
  if (counts.failed > 0) process.exitCode = 1;
}

/** What the document shows becomes what this run gave. Throws where it would go on showing something of another run. */
async function write(
  document: string,
  text: string,
  steps: readonly Step[],
  replay: Replay,
  extras: Extras,
): Promise<void> {
  const old = steps.find((step) => step.kind === "command" && step.shown !== null && !replay.outputs.has(step));
  if (old !== undefined) throw new Error(`line ${old.line} shows an output and was not run: nothing is written`);
  const machine = machineLine(describeMachine(Date.now()));
  const account = `Outputs and pictures are of a run on ${machine}, with ${(await versionsHere(extras)).join(", ")}.`;
  writeFileSync(document, withRun(withOutputs(text, replay.outputs), account));
  for (const [path, picture] of replay.pictures) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), picture);
  }
}

await runAsProgram({ name: "walkthrough", parse, run, cleanUp: async () => await running?.end() });
