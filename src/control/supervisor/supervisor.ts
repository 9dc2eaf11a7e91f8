/** The supervisor process: an instance under signals. */
import { join } from "node:path";
import { isatty } from "node:tty";
import { bootClockOffsetMs } from "../../shared/time/boot-clock.ts";
import { systemResolver } from "../discovery/dns/resolver.ts";
import { problemsOf } from "./configuration.ts";
import type { InstanceOptions } from "./instance/options.ts";
import { SupervisorInstance } from "./instance.ts";
import { notifierOf } from "./service-manager/notify.ts";
import { type WatchdogVariables, watchdogIntervalMs } from "./service-manager/watchdog.ts";
import { StopSignals } from "./stop-signals.ts";

const CERTIFICATE_POLL_MS = 10_000;

/** As in bin/neurabalancer: what Bun would read from the current directory is not the product's. */
const FLAGS = ["--no-env-file", "--config=/dev/null", "--no-install", "--use-system-ca"];

/** What must be given; the rest has the defaults of the product. */
export type SupervisorOptions = Pick<InstanceOptions, "config" | "effective" | "over" | "reload" | "trial" | "log"> &
  Partial<InstanceOptions> & {
    /** NOTIFY_SOCKET, of a service manager that wants to be told. Default: there is none. */
    readonly notifySocket?: string;
    /** How often it wants to hear that this process is not hung. Default: it does not ask. */
    readonly watchdog?: WatchdogVariables;
  };

/**
 * Runs an instance until it is told to stop, and resolves to the exit code: 0 after SIGTERM or SIGINT, 1 when it could
 * not start, 128 + n when a second signal n ended it at once. SIGUSR1 opens files of logs again. SIGUSR2
 * comes of an instance that has taken over the ports: this one stops, with readiness as it was. SIGHUP reads the configuration again, as soon as it serves; when it comes because
 * the terminal was closed that this was started in, it stops as after SIGTERM.
 */
export async function runSupervisor(options: SupervisorOptions): Promise<number> {
  const { log } = options;
  const notify = notifierOf(options.notifySocket, (why) => {
    log.warn(`the service manager is not told what this instance is at: ${why}`);
  });
  const program = [process.execPath, ...FLAGS, join(import.meta.dir, "../../main.ts")];
  let bootOffsetMs: number | undefined;
  const instance = new SupervisorInstance({
    workerCommand: [...program, "worker"],
    learnerCommand: [...program, "learner"],
    recorderCommand: [...program, "recorder"],
    tracerCommand: [...program, "tracer"],
    program,
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
    bootOffsetMs: () => {
      bootOffsetMs ??= bootClockOffsetMs(() => performance.now(), performance.timeOrigin);
      return bootOffsetMs;
    },
    random: Math.random,
    secret: () => crypto.getRandomValues(new Uint32Array(2)),
    resolver: systemResolver,
    certificatePollMs: CERTIFICATE_POLL_MS,
    ...options,
  });
  const signals = new StopSignals(process, () => performance.now());
  let running = false;
  let wantsReload = false;
  const reload = (): void => {
    notify("RELOADING=1");
    void instance.reload().finally(() => notify("READY=1"));
  };
  const terminals = openTerminals();
  process.on("SIGHUP", () => {
    if (terminals > 0 && openTerminals() === 0) signals.ask("SIGHUP, because the terminal is gone");
    else if (running) reload();
    else wantsReload = true; // what it starts with was read before
  });
  process.on("SIGUSR1", () => {
    if (running) instance.reopenLogs();
  });
  let handsOver = false;
  process.on("SIGUSR2", async () => {
    const successor = running ? await instance.successor() : null;
    if (successor === null) {
      log.warn("SIGUSR2 is for an instance that takes over from this one, and there is none: it goes on");
      return;
    }
    handsOver = true;
    signals.ask(`process ${successor}, which takes over`);
  });
  // Whatever fails here, traffic must flow on: the workers live only as long as this process.
  const survive = (error: unknown) => log.error({ err: error }, "internal error of the supervisor; it goes on");
  process.on("uncaughtException", survive);
  process.on("unhandledRejection", survive);

  const intervalMs = watchdogIntervalMs(options.watchdog ?? {}, process.pid);
  const watchdog = intervalMs === null ? undefined : setInterval(() => notify("WATCHDOG=1"), intervalMs);
  try {
    running = await Promise.race([instance.start().then(() => true), signals.first.then(() => false)]);
    if (!running && !instance.serves) return 0;
    if (running) notify("READY=1", `MAINPID=${process.pid}`);
    if (running && wantsReload) reload();
    const by = await signals.first;
    if (!handsOver) notify("STOPPING=1"); // else the service goes on, in another process
    return await Promise.race([instance.stop(by, handsOver).then(() => 0), signals.second]);
  } catch (error) {
    for (const problem of problemsOf(error)) log.error(problem);
    return 1;
  } finally {
    await instance.dispose();
    clearInterval(watchdog);
  }
}

/** How many of standard input, output and error are a terminal that still exists; none after `nohup`. */
function openTerminals(): number {
  return [0, 1, 2].filter((fd) => isatty(fd)).length;
}
