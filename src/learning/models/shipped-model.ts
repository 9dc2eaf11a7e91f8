/** The model that the product ships with: what `ml` begins with before it has seen any traffic. */
import { fileURLToPath } from "node:url";
import { readNetworkAt } from "./files/onnx/reader.ts";
import type { Network } from "./network.ts";

/** Where its three files are. `neurabalancer train --from simulation` makes them (docs/training.md). */
export const SHIPPED_MODEL_DIRECTORY = fileURLToPath(new URL("../../../models/prior", import.meta.url));

/** Reads it. Throws a `ModelFileError` when the files are not there or not right: then the installation is incomplete. */
export function readShippedNetwork(): Network {
  return readNetworkAt(SHIPPED_MODEL_DIRECTORY);
}
