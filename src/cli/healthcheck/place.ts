/** Where the instance of this environment is asked. */
import {
  backendPlace,
  loadProcessHealthPlaces,
  loadProcessModelServerConfig,
  type SourceFlags,
} from "../../config/environment.ts";
import { addressFor } from "../admin-client.ts";
import { urlOf } from "../find-instance.ts";

/** URL of a port of the instance that tells its health to whoever is on this machine. Rejects with an `Error` for the operator. */
export async function placeOf(flags: SourceFlags): Promise<string> {
  const loaded = await loadProcessHealthPlaces(flags);
  if (!loaded.ok) throw new Error(`where the instance listens cannot be read:\n  - ${loaded.problems.join("\n  - ")}`);
  if (loaded.listener !== null) return urlOf(loaded.listener);
  const { admin } = loaded;
  if (admin.port === null) {
    throw new Error("no public port answers health checks to all here, and ADMIN_PORT is off: give --url");
  }
  if (admin.tlsClientCaFile !== null) {
    throw new Error(
      "no public port answers health checks to all here, and the admin port wants certificates: give --url",
    );
  }
  return addressFor(admin);
}

/** Of `neurabalancer backend`, as its environment has it. Throws an `Error` for the operator. */
export function backendUrl(): URL {
  const { host, port } = backendPlace();
  const number = Number(port);
  if (!Number.isInteger(number) || number <= 0 || number > 65_535) {
    throw new Error(`BACKEND_PORT=${port} says of no port that can be asked: give --url`);
  }
  return new URL("/health", urlOf({ host, port: number, tls: false }));
}

/** Of `neurabalancer model-server`. Rejects with an `Error` for the operator. */
export async function modelServerUrl(flags: SourceFlags): Promise<URL> {
  const loaded = await loadProcessModelServerConfig(flags);
  if (!loaded.ok)
    throw new Error(`where the model server listens cannot be read:\n  - ${loaded.problems.join("\n  - ")}`);
  return new URL("/health", urlOf({ ...loaded.config.service, tls: false }));
}
