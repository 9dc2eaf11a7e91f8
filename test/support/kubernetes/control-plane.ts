/**
 * A control plane of Kubernetes: etcd, the API server with RBAC, and controllers, but no kubelet, no scheduler and no network of pods.
 * It lives in a network of its own (scripts/kubernetes/run.sh), in which all of 10.244.0.0/16 and 10.96.0.0/16 is this machine; so
 * ports are fixed.
 */
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Authority, createAuthority } from "../certificates.ts";
import { Daemon, type Outcome, run } from "../processes.ts";
import { until } from "../until.ts";

const PROGRAMS = join(import.meta.dir, "../../../node_modules/.cache");
/** As every pod is told: the first address of the services. */
export const API_HOST = "10.96.0.1";
export const API_PORT = 6443;
const ETCD = "http://127.0.0.1:2379";
/** Those whose work needs no kubelet. */
const CONTROLLERS = [
  "deployment-controller",
  "disruption-controller",
  "endpointslice-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "replicaset-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "statefulset-controller",
];
/** The first start makes a hundred roles. */
const START_MS = 300_000;

/** An object of the API, as far as tests look. */
// biome-ignore lint/suspicious/noExplicitAny: objects of the API have all shapes, and what is not there fails the test.
export type ApiObject = any;

export class ControlPlane {
  readonly directory = mkdtempSync(join(tmpdir(), "nb-kubernetes-"));
  readonly authority: Authority = createAuthority("kubernetes");
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly #secret = randomUUID();
  #etcd: Daemon | undefined;
  #server: Daemon | undefined;
  #controllers: Daemon | undefined;

  /** Starts all of it, and waits until the API is ready. Ends what has begun when that fails. */
  static async start(): Promise<ControlPlane> {
    const plane = new ControlPlane();
    try {
      await plane.#start();
      return plane;
    } catch (error) {
      await plane.end();
      throw error;
    }
  }

  get url(): string {
    return `https://${API_HOST}:${API_PORT}`;
  }

  /** A path in its directory, which is gone after its end. */
  file(name: string): string {
    return join(this.directory, name);
  }

  /** A file that holds this. @returns its path. */
  put(name: string, text: string): string {
    writeFileSync(this.file(name), text, { mode: 0o600 });
    return this.file(name);
  }

  /** The API as an administrator asks it. Rejects unless the answer is 2xx. */
  async api(method: string, path: string, body?: object, type = "application/json"): Promise<ApiObject> {
    const response = await this.ask(path, this.#secret, {
      method,
      headers: { "content-type": type },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  /** A change of a part of an object. */
  patch(path: string, change: object): Promise<ApiObject> {
    return this.api("PATCH", path, change, "application/merge-patch+json");
  }

  /** The API as whoever has the token asks it. */
  ask(path: string, token: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token}` },
      tls: { ca: this.authority.cert },
      signal: AbortSignal.timeout(60_000),
    } as RequestInit);
  }

  /** A token of a service account, as TokenRequest makes it for a pod. @param boundTo a secret, with which it ends. */
  async token(namespace: string, account: string, boundTo?: string): Promise<string> {
    const boundObjectRef = boundTo === undefined ? undefined : { apiVersion: "v1", kind: "Secret", name: boundTo };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const spec = { audiences: [], expirationSeconds: 3600, boundObjectRef };
    const answer = await this.api("POST", path, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec });
    return answer.status.token;
  }

  /**
   * The same token with another end, by the cluster's own key: TokenRequest makes none for less than ten minutes. The API server
   * takes tokens for a minute beyond their end.
   */
  withExpiry(token: string, atSeconds: number): string {
    const [head, claims] = token.split(".");
    const changed = { ...JSON.parse(Buffer.from(claims, "base64url").toString()), exp: Math.floor(atSeconds) };
    const text = `${head}.${Buffer.from(JSON.stringify(changed)).toString("base64url")}`;
    return `${text}.${sign("sha256", Buffer.from(text), this.#keys.privateKey).toString("base64url")}`;
  }

  /** kubectl, as an administrator. */
  kubectl(...args: string[]): Promise<Outcome> {
    return this.program("kubectl", args);
  }

  /** One of the programs that `npm run build:helm` fetches, as an administrator. */
  program(name: string, args: readonly string[], input?: string): Promise<Outcome> {
    const home = { HOME: this.directory, KUBECONFIG: this.file("admin.conf") };
    const stdin = input === undefined ? {} : { input: new Blob([input]) };
    return run([join(PROGRAMS, "helm", name), ...args], { deadlineMs: 240_000, env: home, ...stdin });
  }

  /** A kubeconfig file for a token. */
  kubeconfig(name: string, user: object): string {
    const ca = Buffer.from(this.authority.cert).toString("base64");
    return this.put(
      name,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "here",
        contexts: [{ name: "here", context: { cluster: "here", user: "me" } }],
        clusters: [{ name: "here", cluster: { server: this.url, "certificate-authority-data": ca } }],
        users: [{ name: "me", user }],
      }),
    );
  }

  /** Kills the API server, and nothing else. */
  async killServer(): Promise<void> {
    this.#server?.process.kill("SIGKILL");
    await this.#server?.process.exited;
  }

  /** Starts the API server (again), and waits until it is ready. */
  async startServer(): Promise<void> {
    const server = new Daemon(
      [
        join(PROGRAMS, "kubernetes/kube-apiserver"),
        `--etcd-servers=${ETCD}`,
        `--bind-address=${API_HOST}`,
        `--secure-port=${API_PORT}`,
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        `--token-auth-file=${this.file("tokens.csv")}`,
        `--client-ca-file=${this.file("ca.pem")}`,
        `--tls-cert-file=${this.file("server.pem")}`,
        `--tls-private-key-file=${this.file("server.key")}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${this.file("accounts.pub")}`,
        `--service-account-signing-key-file=${this.file("accounts.key")}`,
        "--profiling=false",
      ],
      { cwd: this.directory, quiet: true },
    );
    this.#server = server;
    await until(async () => {
      if (server.process.exitCode !== null) throw new Error(`the API server ended: ${server.stderr.slice(-3_000)}`);
      return this.ask("/readyz", this.#secret).then(
        ({ status }) => status === 200,
        () => false,
      );
    }, START_MS);
  }

  /** Has etcd forget all that was before now. */
  async compact(): Promise<void> {
    const ask = async (path: string, body: object): Promise<ApiObject> => {
      const response = await fetch(`${ETCD}/v3/${path}`, { method: "POST", body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`etcd: ${response.status} ${await response.text()}`);
      return response.json();
    };
    const { header } = await ask("kv/range", { key: "AA==" });
    await ask("kv/compaction", { revision: header.revision, physical: true });
  }

  async end(): Promise<void> {
    await this.#controllers?.stop();
    await this.#server?.stop();
    await this.#etcd?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    for (const program of ["kubernetes/etcd", "kubernetes/kube-apiserver", "helm/kubectl"]) {
      if (!existsSync(join(PROGRAMS, program)))
        throw new Error(`node_modules/.cache/${program} is missing: scripts/kubernetes/run.sh builds it`);
    }
    const { cert, key } = this.authority.issue(`IP:${API_HOST}`, "DNS:kubernetes.default.svc");
    this.put("ca.pem", this.authority.cert);
    this.put("server.pem", cert);
    this.put("server.key", key);
    this.put("accounts.key", this.#keys.privateKey.export({ type: "pkcs1", format: "pem" }).toString());
    this.put("accounts.pub", this.#keys.publicKey.export({ type: "spki", format: "pem" }).toString());
    this.put("tokens.csv", `${this.#secret},admin,admin,system:masters\n`);
    this.kubeconfig("admin.conf", { token: this.#secret });
    mkdirSync(this.file("etcd"), { mode: 0o700 });
    this.#etcd = new Daemon(
      [
        join(PROGRAMS, "kubernetes/etcd"),
        `--data-dir=${this.file("etcd")}`,
        `--listen-client-urls=${ETCD}`,
        `--advertise-client-urls=${ETCD}`,
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
      ],
      { cwd: this.directory, quiet: true },
    );
    await this.startServer();
    this.#controllers = new Daemon(
      [
        join(PROGRAMS, "kubernetes/kube-controller-manager"),
        `--kubeconfig=${this.file("admin.conf")}`,
        `--controllers=${CONTROLLERS.join(",")}`,
        `--root-ca-file=${this.file("ca.pem")}`,
        `--cert-dir=${this.directory}`,
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=500",
      ],
      { cwd: this.directory, quiet: true },
    );
  }
}
