/** An API server of Kubernetes, as far as EndpointSlices go, that a test makes behave badly. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Certificate } from "../certificates.ts";
import { freePort } from "../ports/free-port.ts";

/** A slice as the API has it. */
export type RawSlice = Readonly<Record<string, unknown>> & { readonly metadata: Readonly<Record<string, unknown>> };

/** What was asked. */
export interface Asked {
  readonly watch: boolean;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
}

/** Does something else than what was asked for; `false` = that, after all. */
export type Misbehaviour = (response: ServerResponse, asked: Asked) => boolean;

export class ScriptedApiServer {
  readonly asked: Asked[] = [];
  /** What whoever asks must show; `null` = nothing. */
  token: string | null = null;
  misbehave: Misbehaviour = () => false;
  /** Its own while it is down, too. */
  readonly port = freePort();
  readonly #certificate: Certificate | null;
  readonly #slices = new Map<string, RawSlice>();
  readonly #watches = new Set<ServerResponse>();
  #version = 100;
  #server: ReturnType<typeof createServer> | undefined;

  private constructor(certificate: Certificate | null) {
    this.#certificate = certificate;
  }

  /** @param certificate it speaks TLS with this; `null` = it speaks none. */
  static async start(certificate: Certificate | null = null): Promise<ScriptedApiServer> {
    const server = new ScriptedApiServer(certificate);
    await server.up();
    return server;
  }

  get url(): string {
    return `${this.#certificate === null ? "http" : "https"}://127.0.0.1:${this.port}`;
  }

  /** Open watches. */
  get watches(): number {
    return this.#watches.size;
  }

  get lists(): number {
    return this.asked.filter(({ watch }) => !watch).length;
  }

  /** Adds or replaces a slice, and tells whoever watches. */
  put(slice: RawSlice): void {
    const name = slice.metadata.name as string;
    const type = this.#slices.has(name) ? "MODIFIED" : "ADDED";
    const stored = this.#stamped(slice);
    this.#slices.set(name, stored);
    this.say(`${JSON.stringify({ type, object: stored })}\n`);
  }

  drop(name: string): void {
    const slice = this.#slices.get(name)!;
    this.#slices.delete(name);
    this.say(`${JSON.stringify({ type: "DELETED", object: this.#stamped(slice) })}\n`);
  }

  /** As `put`, and nobody is told. */
  putSilently(slice: RawSlice): void {
    this.#slices.set(slice.metadata.name as string, this.#stamped(slice));
  }

  /** To all who watch, as it is. */
  say(bytes: string | Uint8Array): void {
    for (const watch of this.#watches) watch.write(bytes);
  }

  /** Ends all watches as agreed. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  /** Breaks all watches off. */
  cutWatches(): void {
    for (const watch of this.#watches) watch.socket?.destroy();
  }

  /** Nobody is listening at its port. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    this.cutWatches();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** It is back, at the same port. */
  async up(): Promise<void> {
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    const server = this.#certificate === null ? createServer(handle) : createTlsServer(this.#certificate, handle);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", () => resolve());
    });
    this.#server = server;
  }

  end(): Promise<void> {
    return this.down();
  }

  #stamped(slice: RawSlice): RawSlice {
    return { ...slice, metadata: { ...slice.metadata, resourceVersion: `${++this.#version}` } };
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(request.url!, this.url);
    const { authorization } = request.headers;
    const asked = { watch: query.get("watch") === "true", path: pathname, query, authorization };
    this.asked.push(asked);
    response.on("error", () => {});
    if (this.misbehave(response, asked)) return;
    if (this.token !== null && authorization !== `Bearer ${this.token}`) {
      refuse(response, 401, "Unauthorized");
      return;
    }
    if (asked.watch) {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      this.#watches.add(response);
      response.on("close", () => this.#watches.delete(response));
      const since = Number(query.get("resourceVersion"));
      for (const object of this.#slices.values())
        if (Number(object.metadata.resourceVersion) > since)
          response.write(`${JSON.stringify({ type: "MODIFIED", object })}\n`);
      const object = { kind: "EndpointSlice", metadata: { resourceVersion: `${this.#version}` } };
      response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
      return;
    }
    const [, service] = (query.get("labelSelector") ?? "").split("=");
    const items = [...this.#slices.values()].filter(
      ({ metadata }) => (metadata.labels as Readonly<Record<string, string>>)["kubernetes.io/service-name"] === service,
    );
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ kind: "EndpointSliceList", metadata: { resourceVersion: `${this.#version}` }, items }),
    );
  }
}

/** Answers with a `Status`. */
export function refuse(response: ServerResponse, code: number, message: string): true {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify({ kind: "Status", status: "Failure", code, message }));
  return true;
}

/** A slice of the service `web` in the namespace `shop`. */
export function sliceOf(
  name: string,
  endpoints: readonly (string | Readonly<Record<string, unknown>>)[],
  more: Readonly<Record<string, unknown>> = {},
): RawSlice {
  return {
    metadata: { name, namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: endpoints.map((one) =>
      typeof one === "string"
        ? { addresses: [one], conditions: { ready: true, serving: true, terminating: false } }
        : one,
    ),
    ...more,
  };
}

/** An endpoint that has been told to end, and answers what it has. */
export function terminating(address: string): Readonly<Record<string, unknown>> {
  return { addresses: [address], conditions: { ready: false, serving: true, terminating: true } };
}
