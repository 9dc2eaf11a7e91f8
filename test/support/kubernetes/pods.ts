/** Pods of a control plane without kubelets: their servers run in this process, and what a kubelet would report is reported here. */
import { until } from "../until.ts";
import type { ApiObject, ControlPlane } from "./control-plane.ts";

const PORT = 8080;

/** Makes a namespace, and waits until pods may be made in it. */
export async function makeNamespace(plane: ControlPlane, name: string, labels: object = {}): Promise<void> {
  await plane.api("POST", "/api/v1/namespaces", { metadata: { name, labels } });
  const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
  await until(() =>
    plane.api("GET", account).then(
      () => true,
      () => false,
    ),
  );
}

/** Makes a node in a zone. Nothing runs on it. */
export async function makeNode(plane: ControlPlane, name: string, zone: string): Promise<void> {
  const labels = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone };
  await plane.api("POST", "/api/v1/nodes", { metadata: { name, labels } });
  const status = { allocatable: { cpu: "4", memory: "8Gi", pods: "2000" }, conditions: [condition(true)] };
  await plane.patch(`/api/v1/nodes/${name}/status`, { status });
}

/** Makes a service over the pods with the label `app` of its own name. */
export function makeService(
  plane: ControlPlane,
  namespace: string,
  name: string,
  more: object = {},
): Promise<ApiObject> {
  const ports = [{ name: "http", port: 80, targetPort: "http" }];
  const spec = { selector: { app: name }, ports, ...more };
  return plane.api("POST", `/api/v1/namespaces/${namespace}/services`, { metadata: { name }, spec });
}

/** Which service a pod is of, and where it is. */
export interface PodPlace {
  readonly namespace: string;
  readonly app: string;
  readonly node: string;
  readonly address: string;
}

/** A pod whose container is a server in this process, if it has one at all. */
export class Pod {
  readonly name: string;
  readonly address: string;
  /** Requests that were no health checks. */
  requests = 0;
  /** `/held` is answered when this resolves. */
  gate: Promise<unknown> = Promise.resolve();
  /** Requests to `/held` that wait. */
  held = 0;
  readonly #plane: ControlPlane;
  readonly #path: string;
  #server: Bun.Server<undefined> | undefined;

  private constructor(plane: ControlPlane, { namespace, address }: PodPlace) {
    this.#plane = plane;
    this.address = address;
    this.name = `pod-${address.replaceAll(".", "-")}`;
    this.#path = `/api/v1/namespaces/${namespace}/pods/${this.name}`;
  }

  /** Makes it, with a server, and ready. */
  static async start(plane: ControlPlane, place: PodPlace): Promise<Pod> {
    const pod = new Pod(plane, place);
    pod.#serve();
    await pod.#make(place);
    return pod;
  }

  /** Makes one that nobody listens in. */
  static async startEmpty(plane: ControlPlane, place: PodPlace): Promise<Pod> {
    const pod = new Pod(plane, place);
    await pod.#make(place);
    return pod;
  }

  /** Reports that it is ready, or that it is not. */
  report(isReady: boolean): Promise<ApiObject> {
    const { address } = this;
    const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions: [condition(isReady)] };
    return this.#plane.patch(`${this.#path}/status`, { status });
  }

  /** Tells it to end. It is there until `finish`. */
  terminate(): Promise<ApiObject> {
    return this.#plane.api("DELETE", this.#path, { gracePeriodSeconds: 600 });
  }

  /** Ends it, and reports that. */
  async finish(): Promise<ApiObject> {
    await this.end();
    return this.#plane.api("DELETE", this.#path, { gracePeriodSeconds: 0 });
  }

  async end(): Promise<void> {
    await this.#server?.stop(true);
  }

  async #make({ namespace, app, node: nodeName }: PodPlace): Promise<void> {
    const containers = [{ name: "web", image: "web:1", ports: [{ name: "http", containerPort: PORT }] }];
    const spec = { nodeName, containers, terminationGracePeriodSeconds: 600 };
    const metadata = { name: this.name, labels: { app } };
    await this.#plane.api("POST", `/api/v1/namespaces/${namespace}/pods`, { metadata, spec });
    await this.report(true);
  }

  #serve(): void {
    this.#server = Bun.serve({
      hostname: this.address,
      port: PORT,
      reusePort: false,
      idleTimeout: 0,
      fetch: async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/health") return new Response("ok");
        this.requests++;
        if (pathname === "/held") {
          this.held++;
          await this.gate;
        }
        return new Response(this.address);
      },
    });
  }
}

function condition(isTrue: boolean): object {
  return { type: "Ready", status: isTrue ? "True" : "False" };
}
