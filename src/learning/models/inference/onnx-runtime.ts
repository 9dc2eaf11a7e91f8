/** The only place that loads onnxruntime, because something has to be said before it is. */
import { setNativeVariable } from "./c-library.ts";

/** The runtime's module. */
export type OnnxRuntime = typeof import("onnxruntime-node");

const MISSING =
  "onnxruntime-node is not installed, which runs models that this product has not made; beside neurabalancer: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node";

let loading: Promise<OnnxRuntime> | undefined;

/**
 * Loads it, once. Its builds send telemetry (look-ups of an event host, an id of the device under ~/.cache) unless this
 * variable is in the environment before the library is in the process. Rejects where that cannot be done: nothing of ours
 * calls home.
 */
export function loadOnnxRuntime(): Promise<OnnxRuntime> {
  loading ??= (async () => {
    setNativeVariable("ORT_DISABLE_TELEMETRY", "1");
    try {
      return await import("onnxruntime-node");
    } catch (cause) {
      // The package for npm leaves it to those who need it (docs/deployment.md).
      if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
      throw new Error(MISSING, { cause });
    }
  })();
  return loading;
}
