/**
 * kubeconfig files, as kubectl has them: which cluster, and as whom. Several are one, in which the first that says something counts.
 * What would have to run a program, or to trust anybody, is refused. Nothing of what the files hold is repeated in errors but names.
 */
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import type { ApiAccess } from "./place.ts";

/** Reads a text of a bounded length. `null` = there is no such file, where that may be. Rejects with an `Error` for people. */
export type ReadText = (path: string, isOptional: boolean) => Promise<string | null>;

type Fields = Readonly<Record<string, unknown>>;

/** A part of a file. */
interface Part {
  readonly fields: Fields;
  readonly file: string;
  /** What it is called in errors. */
  readonly title: string;
}

/** Kubernetes' own tools write no aliases; a few do no harm. */
const MAX_ALIASES = 10;
const SETTING = "(KUBECONFIG)";
const INSTEAD =
  "name a user with a token, a tokenFile or a client certificate (kubectl create token makes one of a service account)";
/** What nobody must believe to be in force. */
const REFUSED_OF_USERS: Readonly<Record<string, string>> = {
  exec: `its token comes from a program (exec), and none is run here: ${INSTEAD}`,
  "auth-provider": `it has an auth-provider, which needs a plugin: ${INSTEAD}`,
  username: `it has a name and a password, which Kubernetes takes no more: ${INSTEAD}`,
  as: "it acts as somebody else (as), which is not supported: name that one's own token",
};
const REFUSED_OF_CLUSTERS: Readonly<Record<string, string>> = {
  "insecure-skip-tls-verify":
    "it wants the API server not to be verified (insecure-skip-tls-verify): name its certificate-authority",
  "tls-server-name": "it has a tls-server-name, which is not supported: its server must be named as in the certificate",
  "proxy-url": "it has a proxy-url, which is not supported: name the proxy in the environment (HTTPS_PROXY)",
};

/**
 * @param files paths with colons between them. @param context `null` = the current one.
 * @throws Error that says what in which file is not as it should be.
 */
export async function accessByKubeconfig(files: string, context: string | null, read: ReadText): Promise<ApiAccess> {
  const documents: Part[] = [];
  for (const file of files.split(":").filter((path) => path !== "")) {
    const text = await read(file, true);
    if (text !== null) documents.push({ fields: documentIn(text, file), file, title: file });
  }
  if (documents.length === 0) throw new Error(`there is no file ${files} ${SETTING}`);
  const current = documents.map(({ fields }) => textIn(fields["current-context"])).find((name) => name !== null);
  const name = context ?? current ?? null;
  if (name === null) throw new Error(`${files} has no current-context: set KUBERNETES_CONTEXT ${SETTING}`);
  const chosen = find(documents, "context", name);
  const cluster = find(documents, "cluster", textIn(chosen.fields.cluster));
  const user = find(documents, "user", textIn(chosen.fields.user));
  return accessOf(cluster, user, read);
}

function documentIn(text: string, file: string): Fields {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: MAX_ALIASES, logLevel: "error" });
  } catch (error) {
    const { code, linePos } = error as {
      readonly code?: string;
      readonly linePos?: readonly { readonly line: number }[];
    };
    const place = linePos === undefined ? "" : `:${linePos[0].line}`;
    throw new Error(`${file}${place} is no YAML (${code ?? "too many aliases"}) ${SETTING}`);
  }
  if (typeof value === "object" && value !== null && "clusters" in value) return value as Fields;
  if (typeof value === "object" && value !== null && "current-context" in value) return value as Fields;
  throw new Error(`${file} is no kubeconfig file: it has neither clusters nor a current-context ${SETTING}`);
}

/** The first entry of that name in any of the files. */
function find(documents: readonly Part[], kind: "context" | "cluster" | "user", name: string | null): Part {
  const files = documents.map(({ file }) => file).join(":");
  if (name === null) throw new Error(`the context in ${files} names no ${kind} ${SETTING}`);
  for (const { fields, file } of documents) {
    const entries = fields[`${kind}s`];
    const entry = (Array.isArray(entries) ? entries : []).map(fieldsIn).find((one) => one.name === name);
    if (entry !== undefined) return { fields: fieldsIn(entry[kind]), file, title: `${kind} "${name}" in ${file}` };
  }
  const setting = kind === "context" ? "(KUBECONFIG, KUBERNETES_CONTEXT)" : SETTING;
  throw new Error(`there is no ${kind} "${name}" in ${files} ${setting}`);
}

async function accessOf(cluster: Part, user: Part, read: ReadText): Promise<ApiAccess> {
  refuse(cluster, REFUSED_OF_CLUSTERS);
  refuse(user, REFUSED_OF_USERS);
  const server = textIn(cluster.fields.server);
  const url = server !== null && URL.canParse(server) ? new URL(server) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(`${cluster.title} has no server: a URL such as https://10.0.0.1:6443 is expected ${SETTING}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error(`${cluster.title} has a user in its server, which Kubernetes takes no more: ${INSTEAD} ${SETTING}`);
  }
  const access = { url: url.href.replace(/\/+$/, ""), token: null, ca: null, cert: null, key: null };
  if (url.protocol === "http:") return access; // a token is never sent in the clear
  const file = textIn(user.fields.tokenFile);
  const token = file === null ? textIn(user.fields.token) : await read(resolve(dirname(user.file), file), false);
  const cert = await pemOf(user, "client-certificate", read);
  const key = await pemOf(user, "client-key", read);
  if ((cert === null) !== (key === null)) {
    throw new Error(`${user.title} has one of client-certificate and client-key, and not the other ${SETTING}`);
  }
  return { ...access, token, ca: await pemOf(cluster, "certificate-authority", read), cert, key };
}

function refuse({ fields, title }: Part, refused: Readonly<Record<string, string>>): void {
  for (const [field, why] of Object.entries(refused)) {
    const value = fields[field];
    const isSet = value !== undefined && value !== null && value !== "" && value !== false;
    if (isSet) throw new Error(`${title} cannot be used: ${why} ${SETTING}`);
  }
}

/** What stands there in base64, or in a file that is named from where the kubeconfig file is. */
async function pemOf({ fields, file, title }: Part, field: string, read: ReadText): Promise<string | null> {
  const data = textIn(fields[`${field}-data`]);
  const path = textIn(fields[field]);
  if (data === null && path === null) return null;
  const text =
    data !== null ? Buffer.from(data, "base64").toString() : await read(resolve(dirname(file), path!), false);
  if (text?.includes("-----BEGIN ")) return text;
  throw new Error(`${title} has no PEM in ${data === null ? field : `${field}-data`} ${SETTING}`);
}

function fieldsIn(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function textIn(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
