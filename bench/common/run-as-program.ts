/** A benchmark as a program: what it leaves behind when it is told to end, and its exit code. */

/** What there is of one. */
export interface BenchmarkProgram<Options> {
  /** What its errors begin with: `bench:arena`. */
  readonly name: string;
  /** Options, or a text that is all that was asked for. Throws an `Error` for the user. */
  readonly parse: (args: readonly string[]) => Options | string;
  /** Cleans up behind itself, however it ends. */
  readonly run: (options: Options) => Promise<void>;
  /** For when it is told to end by a signal. */
  readonly cleanUp: () => Promise<void>;
}

/** Runs it with the arguments of this process, which ends with it. */
export async function runAsProgram<Options>(program: BenchmarkProgram<Options>): Promise<never> {
  const { name, parse, run, cleanUp } = program;
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.on(signal, () => void cleanUp().then(() => process.exit(code)));
  }
  try {
    const options = parse(process.argv.slice(2));
    if (typeof options === "string") console.log(options);
    else await run(options);
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
  process.exit();
}
