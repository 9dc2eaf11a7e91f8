/** The load generator's process: does what its parent says (`ToGenerator`), one load at a time. */
import { Generator } from "./generator.ts";
import type { FromGenerator, ToGenerator } from "./messages.ts";

let generator: Generator | null = null;

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
    case "run": {
      if (generator === null) throw new Error("there is no load");
      return { type: "done", ...(await generator.run(message.requests, message.seconds)) };
    }
    case "close":
      generator?.close();
      generator = null;
      return { type: "closed" };
  }
}
