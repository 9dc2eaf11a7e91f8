/**
 * Where what ACME gives and needs is kept: one file for each name, with its chain and its key, so that both are replaced in one
 * step. Written by the process of ACME, read by the supervisor, watched by both where instances share the directory.
 */
import { join } from "node:path";

/** Chain and key of `name`, PEM. */
export function certificateFile(directory: string, name: string): string {
  return join(directory, "certificates", `${name}.pem`);
}
