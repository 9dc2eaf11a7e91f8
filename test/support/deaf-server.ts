/** Servers that hang while clients connect. */
import { spawn } from "./processes.ts";
import { Wire } from "./wire.ts";

/** Looks at a connection before it is taken for one that hangs: after a stall of this process the first finds nothing. */
const LOOKS = 5;
const LOOK_EVERY_MS = 50;
const MAX_CONNECTIONS = 5000;

export interface DeafServer {
  readonly port: number;
  stop(): void;
}

/** A process that listens and never accepts. */
export async function startDeafServer(): Promise<DeafServer> {
  const code = `const s = require("node:net").createServer();
    s.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => { console.log(s.address().port); for (;;) Bun.sleepSync(60000); });`;
  const child = spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "ignore" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return { port: Number(new TextDecoder().decode(value)), stop: () => child.kill("SIGKILL") };
}

/** One whose accept queue is full: the kernel drops every further SYN. */
export async function startFullServer(): Promise<DeafServer> {
  const deaf = await startDeafServer();
  const connected: Wire[] = [];
  for (let hangs = false; !hangs; ) {
    const wire = Wire.connect(deaf.port);
    wire.then(
      (one) => connected.push(one),
      () => {},
    );
    hangs = true;
    for (let look = 0; hangs && look < LOOKS; look++) {
      hangs = (await Promise.race([wire, Bun.sleep(LOOK_EVERY_MS)])) === undefined;
    }
    if (connected.length > MAX_CONNECTIONS) throw new Error("the backlog has no end");
  }
  const stop = (): void => {
    for (const wire of connected) wire.destroy();
    deaf.stop();
  };
  return { port: deaf.port, stop };
}
