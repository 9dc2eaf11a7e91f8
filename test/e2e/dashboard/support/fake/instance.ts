/**
 * An admin port without an instance behind it: the page as it is served, and numbers of a fleet that is not there. For what a
 * real fleet cannot show at will: 300 servers, none, all of them down, a network that goes.
 */
import type { Server } from "bun";
import { bundlePage } from "../../../../../src/dashboard/bundle/bundle.ts";
import type { BundledFile } from "../../../../../src/dashboard/bundle/bundled-page.ts";
import type { TimelineEvent } from "../../../../../src/shared/live/timeline.ts";
import { type FakeFleet, fakeFrame, fakeRecent, fakeTopology } from "./fleet.ts";

/** As the product serves it. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Answers of the API by path; a function is asked with the request. */
export type FakeAnswers = Readonly<Record<string, unknown>>;

/** The same for all. */
let bundled: ReturnType<typeof bundlePage> | undefined;

export class FakeInstance {
  readonly #server: Server<undefined>;
  readonly #files: ReadonlyMap<string, BundledFile>;
  readonly #fleet: FakeFleet;
  readonly #answers: FakeAnswers;
  readonly #startedMs = Date.now() - 93_600_000;
  readonly #streams = new Set<ReadableStreamDefaultController>();
  readonly #timer: Timer;
  /** What the page has asked for, in order. */
  readonly asked: string[] = [];
  readonly #queries: (readonly [path: string, query: string])[] = [];
  /** While it is, everything is answered by closing the connection. */
  away = false;

  private constructor(files: readonly BundledFile[], fleet: FakeFleet, answers: FakeAnswers) {
    this.#files = new Map(files.map((file) => [file.path, file]));
    this.#fleet = fleet;
    this.#answers = answers;
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: (request) => this.#answer(request),
    });
    this.#timer = setInterval(() => this.#tell(), 1000);
  }

  static async start(fleet: FakeFleet, answers: FakeAnswers = {}): Promise<FakeInstance> {
    bundled ??= bundlePage();
    const result = await bundled;
    if ("problem" in result) throw new Error(result.problem);
    return new FakeInstance(result.files, fleet, answers);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}/`;
  }

  /** Of all files of the page, as they go over the wire. */
  get gzipBytes(): number {
    return [...this.#files.values()].reduce((sum, { gzip }) => sum + Buffer.from(gzip, "base64").length, 0);
  }

  /** With which queries, `?` and all, the page has asked for `path`. */
  queries(path: string): readonly string[] {
    return this.#queries.filter(([asked]) => asked === path).map(([, query]) => query);
  }

  /** Ends all streams; new ones are answered while it is not away. */
  cut(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#server.stop(true);
  }

  #answer(request: Request): Response {
    const { pathname, search } = new URL(request.url);
    this.asked.push(`${request.method} ${pathname}`);
    this.#queries.push([pathname, search]);
    if (this.away) return new Response("away", { status: 502 });
    const file = this.#files.get(pathname);
    if (file !== undefined) {
      return new Response(Buffer.from(file.body, "base64"), {
        headers: { "content-type": file.type, "content-security-policy": CSP },
      });
    }
    if (pathname === "/api/v1/live") return this.#stream();
    const topology = fakeTopology(this.#fleet, this.#startedMs);
    const known: FakeAnswers = {
      "/api/v1/live/recent": fakeRecent(this.#fleet, Date.now(), topology),
      "/api/v1/timeline": { events: this.#events(), last_id: "1-5", forgotten: 0 },
      ...this.#answers,
    };
    const body = known[`${request.method} ${pathname}`] ?? known[pathname];
    if (body !== undefined) return Response.json(body);
    return Response.json({ status: 404, code: "not_found", detail: "there is nothing at this path" }, { status: 404 });
  }

  #stream(): Response {
    let own: ReadableStreamDefaultController;
    const body = new ReadableStream({
      start: (controller) => {
        own = controller;
        this.#streams.add(controller);
        send(controller, "topology", fakeTopology(this.#fleet, this.#startedMs));
        send(controller, "frame", fakeFrame(this.#fleet, Date.now()));
      },
      cancel: () => {
        this.#streams.delete(own);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #tell(): void {
    const frame = fakeFrame(this.#fleet, Date.now());
    for (const stream of this.#streams) send(stream, "frame", frame);
  }

  #events(): TimelineEvent[] {
    const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const of = { pool: "default", server: "10.0.0.6:8080", address: "", actor: "balancer", detail: null };
    return [
      {
        ...of,
        id: "1-5",
        at: at(2),
        kind: "health",
        message: "server http://10.0.0.6:8080 is down: connection refused",
      },
      {
        ...of,
        id: "1-4",
        at: at(3),
        kind: "ejection",
        message: "server http://10.0.0.6:8080 is ejected for 30 s: 5 failures in a row",
      },
      {
        ...of,
        id: "1-3",
        at: at(14),
        kind: "change",
        server: "10.0.0.8:8080",
        actor: "admin API (deploy)",
        message: "server 10.0.0.8:8080 is drained by deploy: kernel update",
      },
      {
        ...of,
        id: "1-2",
        at: at(33),
        kind: "reload",
        pool: "",
        server: "",
        actor: "SIGHUP",
        message: "the configuration was read again: 2 settings are others",
      },
      {
        ...of,
        id: "1-1",
        at: at(55),
        kind: "verdict",
        server: "",
        message: "model 7 is promoted: 4 % better than model 6",
      },
    ];
  }
}

function send(stream: ReadableStreamDefaultController, event: string, data: unknown): void {
  stream.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
}
