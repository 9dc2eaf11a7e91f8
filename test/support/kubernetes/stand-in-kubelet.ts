/**
 * Does for the pods of a namespace what scheduler and kubelet would: gives them a node, reports that they are ready without running
 * anything, and that they have ended when they are told to.
 */
import type { ApiObject, ControlPlane } from "./control-plane.ts";

export class StandInKubelet {
  readonly #plane: ControlPlane;
  readonly #path: string;
  readonly #nodes: readonly string[];
  #count = 0;
  #ended = false;
  #done: Promise<void> = Promise.resolve();

  private constructor(plane: ControlPlane, namespace: string, nodes: readonly string[]) {
    this.#plane = plane;
    this.#path = `/api/v1/namespaces/${namespace}/pods`;
    this.#nodes = nodes;
  }

  /** Works until `end`. @param nodes that the pods are given in turn. */
  static start(plane: ControlPlane, namespace: string, nodes: readonly string[]): StandInKubelet {
    const kubelet = new StandInKubelet(plane, namespace, nodes);
    kubelet.#done = kubelet.#work();
    return kubelet;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#done;
  }

  async #work(): Promise<void> {
    while (!this.#ended) {
      const { items } = await this.#plane.api("GET", this.#path);
      // A pod that is gone, or that was changed meanwhile, is looked at again in the next round, if there is one.
      for (const pod of items) await this.#look(pod).catch(() => undefined);
      await Bun.sleep(200);
    }
  }

  async #look({ metadata, spec, status }: ApiObject): Promise<void> {
    const path = `${this.#path}/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) {
      await this.#plane.api("DELETE", path, { gracePeriodSeconds: 0 });
    } else if (spec.nodeName === undefined) {
      const target = { kind: "Node", name: this.#nodes[this.#count % this.#nodes.length] };
      await this.#plane.api("POST", `${path}/binding`, { metadata: { name: metadata.name }, target });
    } else if (status.phase === "Pending") {
      const ip = `10.244.100.${1 + (this.#count++ % 250)}`;
      const conditions = [{ type: "Ready", status: "True", lastTransitionTime: new Date().toISOString() }];
      await this.#plane.patch(`${path}/status`, {
        status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions },
      });
    }
  }
}
