/** A process of the instance, wherever it is told of. */
import { z } from "zod";
import type { ShownProcess } from "../../processes/sole-process.ts";
import { describing } from "./describing.ts";

/** One. */
export const processView = describing<ShownProcess>()(
  z
    .strictObject({
      pid: z.int(),
      state: z.enum(["starting", "ready", "waiting", "draining", "gone"]),
      restarts: z.int().min(0),
      uptime_seconds: z.int().min(0),
      rss_bytes: z.number().min(0),
    })
    .meta({ id: "Process" }),
);
