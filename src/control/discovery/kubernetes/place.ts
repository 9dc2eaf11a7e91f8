/** Where the API server of Kubernetes is, and what it is shown: as in every pod, or as the settings say. */
import { readFile } from "node:fs/promises";

/** The section `kubernetes` of the configuration. */
export interface KubernetesPlace {
  /** `https://host:port` or `http://host:port`; `null` = what Kubernetes tells its pods. */
  readonly apiServer: string | null;
  /** What Kubernetes tells its pods; `null` = this is none. */
  readonly serviceHost: string | null;
  readonly servicePort: number | null;
  readonly tokenFile: string;
  readonly caFile: string;
}

/** Nothing is configured, and this is no pod. */
export const NO_KUBERNETES: KubernetesPlace = {
  apiServer: null,
  serviceHost: null,
  servicePort: null,
  tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token",
  caFile: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
};

/** How it is spoken to, as the files say it at this moment: tokens and authorities are replaced while we run. */
export interface ApiAccess {
  /** Without a slash at its end. */
  readonly url: string;
  /** `null` = none is shown. */
  readonly token: string | null;
  /** PEM; `null` = the authorities that the system trusts. */
  readonly ca: string | null;
}

/** Tokens have some 1 KB, bundles of authorities a few. */
const MAX_FILE_BYTES = 256 * 1024;

/** Reads the files anew. Rejects with an `Error` that says what is missing. */
export async function accessOf(place: KubernetesPlace): Promise<ApiAccess> {
  const url = urlOf(place);
  if (url.startsWith("http://")) return { url, token: null, ca: null }; // a token is never sent in the clear
  const isOptional = place.apiServer !== null;
  const [token, ca] = await Promise.all([
    readText(place.tokenFile, "KUBERNETES_TOKEN_FILE", isOptional),
    readText(place.caFile, "KUBERNETES_CA_FILE", isOptional),
  ]);
  const word = token?.trim() ?? null;
  if (word !== null && !/^[\x21-\x7e]+$/.test(word)) {
    throw new Error(`${place.tokenFile} holds no token: one word in ASCII is expected (KUBERNETES_TOKEN_FILE)`);
  }
  return { url, token: word, ca };
}

function urlOf({ apiServer, serviceHost, servicePort }: KubernetesPlace): string {
  if (apiServer !== null) return apiServer;
  if (serviceHost === null) {
    throw new Error(
      "no API server is known: this is no pod of Kubernetes (KUBERNETES_SERVICE_HOST is not set); set KUBERNETES_API_SERVER",
    );
  }
  const host = serviceHost.includes(":") ? `[${serviceHost}]` : serviceHost;
  return `https://${host}:${servicePort ?? 443}`;
}

/** @param isOptional a file that is not there is none, and no problem. */
async function readText(path: string, setting: string, isOptional: boolean): Promise<string | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && isOptional) return null;
    throw new Error(`${path} cannot be read (${code ?? message}): is the service account mounted? (${setting})`);
  }
  if (text.length > MAX_FILE_BYTES) throw new Error(`${path} is longer than ${MAX_FILE_BYTES / 1024} KB (${setting})`);
  return text;
}
