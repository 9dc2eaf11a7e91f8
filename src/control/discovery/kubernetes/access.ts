/** How the API server is spoken to, by the files that the settings or Kubernetes itself name, read anew each time. */
import { readFile, stat } from "node:fs/promises";
import { accessByKubeconfig } from "./kubeconfig.ts";
import type { ApiAccess, KubernetesPlace } from "./place.ts";

/** Tokens have some 1 KB, bundles of authorities a few, kubeconfig files of many clusters some hundreds. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Reads the files anew. Rejects with an `Error` that says what is missing. */
export async function accessOf(place: KubernetesPlace): Promise<ApiAccess> {
  const access = isByKubeconfig(place)
    ? await accessByKubeconfig(place.kubeconfig, place.context, (path, isOptional) =>
        readText(path, "KUBECONFIG", isOptional),
      )
    : await accessByFiles(place);
  const token = access.token?.trim() ?? null;
  if (token !== null && !/^[\x21-\x7e]+$/.test(token)) {
    const { file, setting } = tokenOrigin(place);
    throw new Error(`${file} holds no token: one word in ASCII is expected (${setting})`);
  }
  return { ...access, token };
}

/** Where the token of `accessOf` comes from. */
export function tokenOrigin(place: KubernetesPlace): { readonly file: string; readonly setting: string } {
  if (isByKubeconfig(place)) return { file: place.kubeconfig, setting: "KUBECONFIG" };
  return { file: place.tokenFile, setting: "KUBERNETES_TOKEN_FILE" };
}

/** What names an API server itself counts more. */
function isByKubeconfig(place: KubernetesPlace): place is KubernetesPlace & { readonly kubeconfig: string } {
  return place.apiServer === null && place.kubeconfig !== null;
}

async function accessByFiles(place: KubernetesPlace): Promise<ApiAccess> {
  const url = urlOf(place);
  const access = { url, token: null, ca: null, cert: null, key: null };
  if (url.startsWith("http://")) return access; // a token is never sent in the clear
  const isOptional = place.apiServer !== null;
  const [token, ca] = await Promise.all([
    readText(place.tokenFile, "KUBERNETES_TOKEN_FILE", isOptional),
    readText(place.caFile, "KUBERNETES_CA_FILE", isOptional),
  ]);
  return { ...access, token, ca };
}

function urlOf({ apiServer, serviceHost, servicePort }: KubernetesPlace): string {
  if (apiServer !== null) return apiServer;
  if (serviceHost === null) {
    throw new Error(
      "no API server is known: this is no pod of Kubernetes (KUBERNETES_SERVICE_HOST is not set); set KUBECONFIG, or KUBERNETES_API_SERVER",
    );
  }
  const host = serviceHost.includes(":") ? `[${serviceHost}]` : serviceHost;
  return `https://${host}:${servicePort ?? 443}`;
}

/** @param isOptional a file that is not there is none, and no problem. */
async function readText(path: string, setting: string, isOptional: boolean): Promise<string | null> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
    // Of a device there may be no end, and for what comes through a pipe somebody would have to be waited for.
    if (!found.isFile()) throw new Error("it is no regular file");
    if (found.size <= MAX_FILE_BYTES) return await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && isOptional) return null;
    const hint = setting === "KUBECONFIG" ? "" : ": is the service account mounted?";
    throw new Error(`${path} cannot be read (${code ?? message})${hint} (${setting})`);
  }
  throw new Error(`${path} is longer than ${MAX_FILE_BYTES / 1024} KB (${setting})`);
}
