/** Runs `neurabalancer model-server` as a user would. */
import { fileURLToPath } from "node:url";
import { spawn } from "./processes.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/neurabalancer", import.meta.url));

/** A running model server. */
export interface ModelServerProcess {
  readonly url: string;
  readonly port: number;
  /** Standard error so far. */
  log(): string;
  kill(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): void;
  /** Resolves to its exit code. */
  readonly exited: Promise<number>;
  /** Kills it if it runs still. */
  stop(): Promise<void>;
}

/** Starts it on the loopback interface and waits until it listens. `env` are its settings. */
export async function runModelServer(env: Record<string, string> = {}): Promise<ModelServerProcess> {
  const child = spawn([LAUNCHER, "model-server"], {
    cwd: "/",
    env: { PATH: process.env.PATH, ML_SERVICE_HOST: "127.0.0.1", ML_SERVICE_PORT: "0", ...env },
    stdout: "ignore",
    stderr: "pipe",
  });
  let log = "";
  const listens = Promise.withResolvers<string>();
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      log += decoder.decode(chunk, { stream: true });
      const url = /"url":"(http:[^"]+)"/.exec(log)?.[1];
      if (url !== undefined) listens.resolve(url);
    }
    listens.reject(new Error(`it ended before it listened:\n${log}`));
  })();
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    await reading;
  };
  try {
    const url = await listens.promise;
    return {
      url,
      port: Number(new URL(url).port),
      log: () => log,
      kill: (signal) => child.kill(signal),
      exited: child.exited,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
