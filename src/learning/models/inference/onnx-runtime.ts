/** The only place that loads onnxruntime, because something has to be said before it is. */
import { setNativeVariable } from "./c-library.ts";

/** The runtime's module. */
export type OnnxRuntime = typeof import("onnxruntime-node");

let loading: Promise<OnnxRuntime> | undefined;

/**
 * Loads it, once. Its builds send telemetry (look-ups of an event host, an id of the device under ~/.cache) unless this
 * variable is in the environment before the library is in the process. Rejects where that cannot be done: nothing of ours
 * calls home.
 */
export function loadOnnxRuntime(): Promise<OnnxRuntime> {
  loading ??= (async () => {
    setNativeVariable("ORT_DISABLE_TELEMETRY", "1");
    return import("onnxruntime-node");
  })();
  return loading;
}
