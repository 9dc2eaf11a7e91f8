/** Which servers the slices of a service come to. */
import type { KubernetesService } from "../../../shared/addresses/kubernetes-service.ts";
import type { Slice, SliceEndpoint, SlicePort } from "./slice.ts";

/** A place that takes requests. */
export interface SelectedEndpoint {
  readonly address: string;
  readonly port: number;
  readonly zone: string | null;
}

/** What they come to. */
export interface Selection {
  /** In a fixed order. */
  readonly endpoints: readonly SelectedEndpoint[];
  /** What is not as somebody would expect it, as the end of a sentence: `has no …`; `null` = nothing. */
  readonly complaint: string | null;
}

/** How many names of ports are said. */
const SHOWN_PORTS = 8;

interface Candidate extends SelectedEndpoint {
  readonly endpoint: SliceEndpoint;
}

/**
 * Those that are ready and not about to end; while there are none, those that end but still serve (as kube-proxy does).
 * An endpoint that is in several slices counts once, a pod of both families by its IPv4 address.
 * @param zone where this instance is; `null` = not said.
 */
export function selectEndpoints(slices: Iterable<Slice>, { port }: KubernetesService, zone: string | null): Selection {
  const ordered = [...slices].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const candidates: Candidate[] = [];
  const owners = new Map<string, Slice["addressType"]>();
  let withoutPort: Slice | undefined;
  let leftOut = 0;
  for (const slice of ordered) {
    leftOut += slice.leftOut;
    const number = portOf(slice.ports, port);
    if (number === null) {
      if (slice.endpoints.length > 0) withoutPort ??= slice;
      continue;
    }
    for (const endpoint of slice.endpoints) {
      const { address, owner, zone: at } = endpoint;
      if (owner !== null) {
        const family = owners.get(owner);
        if (family !== undefined && family !== slice.addressType) continue;
        owners.set(owner, slice.addressType);
      }
      candidates.push({ address, port: number, zone: at, endpoint });
    }
  }
  const ready = distinct(candidates.filter(({ endpoint }) => endpoint.ready && !endpoint.terminating));
  const chosen =
    ready.length > 0 ? ready : distinct(candidates.filter(({ endpoint }) => endpoint.terminating && endpoint.serving));
  return {
    endpoints: withZones(chosen, zone),
    complaint: complaintOf(ordered, candidates.length, withoutPort, port, leftOut),
  };
}

/** IPv4 first, so that it is known which pods have both. */
function rank({ addressType, name }: Slice): string {
  return `${addressType} ${name}`;
}

/** `null` = it has none, or it is not clear which is meant. */
function portOf(ports: readonly SlicePort[], wanted: string | number | null): number | null {
  if (wanted === null) return ports.length === 1 ? ports[0].number : null;
  if (typeof wanted === "string") return ports.find(({ name }) => name === wanted)?.number ?? null;
  // A service without ports (a headless one may have none) restricts nothing.
  return ports.length === 0 || ports.some(({ number }) => number === wanted) ? wanted : null;
}

function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byPlace = new Map<string, Candidate>();
  for (const one of candidates) {
    const key = `${one.address} ${one.port}`;
    if (!byPlace.has(key)) byPlace.set(key, one);
  }
  return [...byPlace].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/** Hints count only while every endpoint has them: else some zone's requests would be meant for nobody. */
function withZones(chosen: readonly Candidate[], own: string | null): SelectedEndpoint[] {
  const hinted = chosen.every(({ endpoint }) => endpoint.forZones.length > 0);
  return chosen.map(({ address, port, zone, endpoint: { forZones } }) => {
    if (!hinted) return { address, port, zone };
    return { address, port, zone: own !== null && forZones.includes(own) ? own : forZones[0] };
  });
}

function complaintOf(
  slices: readonly Slice[],
  candidates: number,
  withoutPort: Slice | undefined,
  port: string | number | null,
  leftOut: number,
): string | null {
  if (slices.length === 0) {
    return "has no EndpointSlice: is there such a service in this namespace, and has it a selector?";
  }
  if (withoutPort !== undefined) {
    const { ports } = withoutPort;
    const names = ports
      .slice(0, SHOWN_PORTS)
      .map(({ name, number }) => (name === "" ? `${number}` : `${name} (${number})`));
    const has = ports.length === 0 ? "it tells none of TCP" : `it has ${names.join(", ")}`;
    const meant = port === null ? "does not tell which port is meant" : `has endpoints without port ${port}`;
    return `${meant}: ${has}; write the port's name or number behind the service`;
  }
  if (slices.every(({ addressType }) => addressType === "other")) {
    return "has only endpoints that are names (addressType FQDN), which are left out: name them in SERVERS";
  }
  if (leftOut > 0)
    return `has ${leftOut} endpoints that are no IP addresses of their slice's family, which are left out`;
  return candidates === 0 ? "has no endpoints: has it any pods?" : null;
}
