/** A service of Kubernetes, as `k8s://namespace/service:port` names it. */

export interface KubernetesService {
  readonly namespace: string;
  readonly service: string;
  /** Name or number of the endpoints' port; `null` = the only one that they have. */
  readonly port: string | number | null;
}

/** Of namespaces, services and ports (RFC 1123). */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads what follows `k8s://`. Throws an `Error` that goes on from the entry: `must name …`. */
export function parseKubernetesService(text: string): KubernetesService {
  const parts = /^([^/:]*)\/([^/:]*)(?::([^/:]*))?\/?$/.exec(text);
  if (parts === null) throw new Error("must name namespace and service: k8s://shop/web, or k8s://shop/web:http");
  const [, namespace, service, port] = parts;
  for (const [what, name] of [
    ["namespace", namespace],
    ["service", service],
  ]) {
    if (!LABEL.test(name)) {
      throw new Error(`has a wrong ${what} "${name}": up to 63 small letters, digits and "-", as Kubernetes has them`);
    }
  }
  return { namespace, service, port: port === undefined ? null : parsePort(port) };
}

/** The name by which the cluster's own DNS knows it: certificates of its servers are for that. */
export function nameOf({ namespace, service }: KubernetesService): string {
  return `${service}.${namespace}.svc`;
}

/** As `parseKubernetesService` reads it. */
export function textOf({ namespace, service, port }: KubernetesService): string {
  return `${namespace}/${service}${port === null ? "" : `:${port}`}`;
}

function parsePort(text: string): string | number {
  const number = /^\d+$/.test(text) ? Number(text) : null;
  if (number === null ? LABEL.test(text) : number >= 1 && number <= 65_535) return number ?? text;
  throw new Error(`has a wrong port "${text}": give the name of a port of the service, or a number from 1 to 65535`);
}
