/**
 * Where the admin port of each instance is. An instance whose usual port is taken, or that is to take any, finds a free one:
 * it writes that down in its runtime directory, for commands of the same user on the same machine.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { livingInstances, type RuntimeDirectory } from "../runtime-directory.ts";
import { networkNamespace } from "./network-namespace.ts";

/** The admin port of a living instance. */
export interface AdminPlace {
  /** Of the supervisor. */
  readonly pid: number;
  /** The directory that it was started in: where its `.env` is, unless it was told another. */
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

type Noted = Omit<AdminPlace, "pid"> & { readonly network: string | null };

/** Writes it down, whole or not at all. It goes with the runtime directory. */
export function noteAdminPlace(
  { adminPlacePath: path }: Pick<RuntimeDirectory, "adminPlacePath">,
  { host, port, tls }: Pick<AdminPlace, "host" | "port" | "tls">,
): void {
  const noted: Noted = { directory: process.cwd(), host, port, tls, network: networkNamespace() };
  const fresh = `${path}.new`;
  writeFileSync(fresh, JSON.stringify(noted), { mode: 0o600 });
  renameSync(fresh, path);
}

/** Those of this user's living instances that can be reached from here. */
export async function adminPlaces(): Promise<readonly AdminPlace[]> {
  const network = networkNamespace();
  const instances = await livingInstances();
  return instances.flatMap(({ pid, adminPlacePath }) => {
    const noted = read(adminPlacePath);
    if (noted === null || noted.network !== network) return [];
    const { directory, host, port, tls } = noted;
    return [{ pid, directory, host, port, tls }];
  });
}

/** `null` = it has none, or is of a version that writes something else. */
function read(path: string): Noted | null {
  try {
    const noted = JSON.parse(readFileSync(path, "utf8")) as Noted;
    const { directory, host, port, tls } = noted;
    const isRight = typeof directory === "string" && typeof host === "string" && typeof tls === "boolean";
    return isRight && Number.isInteger(port) && port > 0 && port < 65_536 ? noted : null;
  } catch {
    return null;
  }
}
