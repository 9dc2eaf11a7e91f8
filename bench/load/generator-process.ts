/** The load generator's process: does what its parent says (`ToGenerator`), one load at a time. */
import { Generator } from "./generator.ts";
import { Http2Connections } from "./http2-connections.ts";
import type { FromGenerator, ToGenerator } from "./messages.ts";

let generator: Generator | null = null;
/** What holds connections that wait. */
let holders: { close(): void }[] = [];

const tell = (message: FromGenerator): void => void process.send?.(message);

process.on("message", (message: ToGenerator) => {
  obey(message).then(tell, (error: Error) => tell({ type: "failed", message: error.message }));
});
process.on("disconnect", () => process.exit(0));
tell({ type: "ready" });

async function obey(message: ToGenerator): Promise<FromGenerator> {
  switch (message.type) {
    case "open": {
      generator?.close();
      generator = new Generator(message.target, message.load, () => performance.now());
      return { type: "opened", requests: await generator.open() };
    }
    case "hold": {
      const { target, load } = message;
      const holder =
        load.streams > 0 ? new Http2Connections(target, load) : new Generator(target, load, () => performance.now());
      holders.push(holder);
      return { type: "opened", requests: await holder.open() };
    }
    case "run": {
      if (generator === null) throw new Error("there is no load");
      return { type: "done", ...(await generator.run(message.requests, message.seconds)) };
    }
    case "close":
      generator?.close();
      generator = null;
      for (const holder of holders) holder.close();
      holders = [];
      return { type: "closed" };
  }
}
