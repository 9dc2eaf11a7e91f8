/** The API server of Kubernetes, as far as EndpointSlices go: list and watch, each bounded in time and bytes. */
import { type KubernetesService, textOf as serviceText } from "../../../shared/addresses/kubernetes-service.ts";
import { accessOf, tokenOrigin } from "./access.ts";
import { linesOf, textOf } from "./json-lines.ts";
import type { ApiAccess, KubernetesPlace } from "./place.ts";
import { parseSlice, type Slice } from "./slice.ts";

/** What a list comes to. */
export interface SliceList {
  readonly slices: readonly Slice[];
  /** From where a watch goes on. */
  readonly version: string;
}

/** What a watch tells. */
export type SliceEvent =
  | { readonly kind: "changed" | "deleted"; readonly slice: Slice; readonly version: string }
  | { readonly kind: "bookmark"; readonly version: string };

/** What a source needs of it; tests write their own. All reject with an `Error` whose message is for people. */
export interface SliceApi {
  list(service: KubernetesService, signal: AbortSignal): Promise<SliceList>;
  /** Resolves when the watch is open. It ends by itself after some minutes. @throws GoneError also while it is read. */
  watch(service: KubernetesService, version: string, signal: AbortSignal): Promise<AsyncIterable<SliceEvent>>;
}

/** What came after the version is forgotten: a new list is needed. */
export class GoneError extends Error {}

/** How long things take. */
export interface ApiTimes {
  /** Within this a list is complete, or a watch open. */
  readonly answerMs: number;
  /** How long a watch is asked to last at the most; a half of it at the least, so that instances do not begin anew together. */
  readonly watchSeconds: number;
  /** What it may last longer: a connection that has died unnoticed is noticed then. */
  readonly watchGraceMs: number;
}

const TIMES: ApiTimes = { answerMs: 10_000, watchSeconds: 120, watchGraceMs: 15_000 };
/** A thousand endpoints have less than 1 MB. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;
/** etcd keeps nothing of more than 1.5 MB. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_VERSION = 256;

interface Asked {
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the request `ms` from now, in place of the end that was set before; `null` = never. */
  readonly endAfter: (ms: number | null) => void;
}

/** Over HTTP. */
export class HttpSliceApi implements SliceApi {
  readonly #place: () => KubernetesPlace;
  readonly #random: () => number;
  readonly #times: ApiTimes;

  /**
   * @param place as it is configured now. @param random uniform in [0, 1).
   * @param times those that are others than usual: 10 s, 120 s and 15 s.
   */
  constructor(place: () => KubernetesPlace, random: () => number, times: Partial<ApiTimes> = {}) {
    this.#place = place;
    this.#random = random;
    this.#times = { ...TIMES, ...times };
  }

  async list(service: KubernetesService, signal: AbortSignal): Promise<SliceList> {
    const { body, endAfter } = await this.#ask(service, {}, signal);
    try {
      const { items, metadata } = parseObject(await textOf(body, MAX_LIST_BYTES));
      if (!Array.isArray(items)) throw new Error("it answers with something that is no list");
      const slices = items.map(parseSlice);
      return { slices, version: versionOf(metadata) };
    } catch (error) {
      throw inWords(error);
    } finally {
      endAfter(null);
    }
  }

  async watch(service: KubernetesService, version: string, signal: AbortSignal): Promise<AsyncIterable<SliceEvent>> {
    const { watchSeconds, watchGraceMs } = this.#times;
    const seconds = watchSeconds * (0.5 + this.#random() / 2);
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: `${Math.ceil(seconds)}`, // whole ones alone are understood
    };
    const { body, endAfter } = await this.#ask(service, query, signal);
    endAfter(Math.ceil(seconds) * 1000 + watchGraceMs);
    return eventsOf(body, () => endAfter(null));
  }

  async #ask(service: KubernetesService, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Asked> {
    const place = this.#place();
    const late = new AbortController();
    let timer: Timer | undefined;
    const endAfter = (ms: number | null): void => {
      clearTimeout(timer);
      if (ms === null) return;
      timer = setTimeout(() => late.abort(new DOMException("late", "TimeoutError")), ms);
      timer.unref(); // the request itself keeps the process
    };
    endAfter(this.#times.answerMs);
    try {
      const access = await accessOf(place);
      const { namespace, service: name } = service;
      const labelSelector = `kubernetes.io/service-name=${name}`;
      const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
      const response = await fetch(`${access.url}${path}?${new URLSearchParams({ labelSelector, ...query })}`, {
        headers: {
          accept: "application/json",
          "user-agent": "neurabalancer",
          ...(access.token === null ? {} : { authorization: `Bearer ${access.token}` }),
        },
        redirect: "manual", // the token is for nobody else
        signal: AbortSignal.any([signal, late.signal]),
        tls: tlsOf(access),
      });
      const body = response.body ?? emptyBody();
      if (response.status !== 200) throw await refusal(response.status, body, service, access, place);
      return { body, endAfter };
    } catch (error) {
      endAfter(null);
      late.abort();
      throw inWords(error);
    }
  }
}

function tlsOf({ ca, cert, key }: ApiAccess) {
  return { ...(ca !== null && { ca }), ...(cert !== null && key !== null && { cert, key }) };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

async function* eventsOf(body: AsyncIterable<Uint8Array>, end: () => void): AsyncGenerator<SliceEvent> {
  try {
    for await (const line of linesOf(body, MAX_LINE_BYTES)) {
      const { type, object } = parseObject(line);
      if (type === "ERROR") throw errorOf(object);
      const version = versionOf((object as { readonly metadata?: unknown } | null)?.metadata);
      if (type === "BOOKMARK") yield { kind: "bookmark", version };
      else if (type === "ADDED" || type === "MODIFIED") yield { kind: "changed", slice: parseSlice(object), version };
      else if (type === "DELETED") yield { kind: "deleted", slice: parseSlice(object), version };
      // Kinds that are not known yet tell nothing that has to be known.
    }
  } catch (error) {
    throw inWords(error);
  } finally {
    end();
  }
}

/** @throws Error when it is no object in JSON. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("it sends something that is no JSON");
  }
  if (typeof value !== "object" || value === null) throw new Error("it sends something that is no object");
  return value as Readonly<Record<string, unknown>>;
}

function versionOf(metadata: unknown): string {
  const version = (metadata as { readonly resourceVersion?: unknown } | null | undefined)?.resourceVersion;
  if (typeof version === "string" && version !== "" && version.length <= MAX_VERSION) return version;
  throw new Error("it sends something without metadata.resourceVersion");
}

/** Of a `Status` in a watch. */
function errorOf(status: unknown): Error {
  const { code, message } = (status ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  const text = shortened(typeof message === "string" ? message : "it does not say why");
  return code === 410 ? new GoneError(text) : new Error(`it ends the watch: ${text}`);
}

async function refusal(
  status: number,
  body: AsyncIterable<Uint8Array>,
  service: KubernetesService,
  { token, cert }: ApiAccess,
  place: KubernetesPlace,
): Promise<Error> {
  const said = await textOf(body, MAX_ERROR_BYTES).then(messageIn, () => "");
  const why = said === "" ? "" : `: ${said}`;
  if (status === 410) return new GoneError(said);
  if (status === 401) {
    const { file, setting } = tokenOrigin(place);
    const kind = token !== null ? "token" : cert !== null ? "client certificate" : null;
    const shown = kind === null ? "no token was shown" : `it does not take the ${kind} of ${file}`;
    return new Error(`the API server does not know who we are (401): ${shown} (${setting})${why}`);
  }
  if (status === 403) {
    return new Error(
      `the API server does not allow it (403): whoever asks (the service account, in a pod) needs a Role in namespace ${service.namespace} with list and watch on endpointslices of discovery.k8s.io${why}`,
    );
  }
  if (status === 404) {
    return new Error(`the API server has no discovery.k8s.io/v1 (404): Kubernetes 1.21 or later is needed${why}`);
  }
  if (status >= 300 && status < 400) {
    return new Error(
      `the API server redirects (${status}), which is not followed: is its address right? (KUBERNETES_API_SERVER, KUBECONFIG)`,
    );
  }
  return new Error(`the API server answers ${status} when asked for ${serviceText(service)}${why}`);
}

function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" ? shortened(message) : "";
  } catch {
    return shortened(text);
  }
}

function shortened(text: string): string {
  return text.replaceAll(/[\p{Cc}\s]+/gu, " ").slice(0, 300);
}

/** What the runtime says of connections, for people. */
function inWords(error: unknown): Error {
  const { name, message, code } = error as Error & { readonly code?: string };
  if (error instanceof GoneError) return error;
  if (name === "TimeoutError") return new Error("the API server does not answer in time");
  if (typeof code !== "string") return error as Error;
  const hint = /CERT|SIGN|ISSUER|ALTNAME/.test(code) ? " (KUBERNETES_CA_FILE, or KUBECONFIG)" : "";
  return new Error(`the API server cannot be reached: ${code}: ${shortened(message)}${hint}`);
}
