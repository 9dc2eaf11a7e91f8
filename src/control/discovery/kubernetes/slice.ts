/**
 * EndpointSlices (discovery.k8s.io/v1), read from what the API server sends: what is none is an error, and an endpoint that cannot
 * be one is left out.
 */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Kubernetes allows a thousand. */
const MAX_ENDPOINTS = 1_000;
/** Kubernetes allows a hundred. */
const MAX_PORTS = 100;
const MAX_NAME = 253;

/** A port of all endpoints of a slice. */
export interface SlicePort {
  /** Empty where the service's only port has none. */
  readonly name: string;
  readonly number: number;
}

/** One endpoint, which usually is a pod. */
export interface SliceEndpoint {
  readonly address: string;
  readonly ready: boolean;
  /** It would answer, ready or not. */
  readonly serving: boolean;
  /** It has been told to end. */
  readonly terminating: boolean;
  readonly zone: string | null;
  /** Zones whose requests it is meant for; empty = Kubernetes says nothing of it. */
  readonly forZones: readonly string[];
  /** Whose addresses these are: a pod of two families is in two slices. `null` = not said. */
  readonly owner: string | null;
}

/** One slice of a service. */
export interface Slice {
  readonly name: string;
  readonly addressType: "IPv4" | "IPv6" | "other";
  /** Those of TCP. */
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
  /** Endpoints that cannot be: another family, no address. */
  readonly leftOut: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws Error when it is no EndpointSlice. */
export function parseSlice(value: unknown): Slice {
  const { metadata, addressType, ports, endpoints } = fieldsOf(value);
  const { name } = fieldsOf(metadata);
  if (typeof name !== "string" || name === "" || name.length > MAX_NAME) {
    throw new Error("it sends something that is no EndpointSlice: it has no metadata.name");
  }
  const all = listOf(endpoints);
  const family = addressType === "IPv4" ? 4 : addressType === "IPv6" ? 6 : 0;
  const sound = family === 0 ? [] : all.slice(0, MAX_ENDPOINTS).flatMap((one) => parseEndpoint(one, family));
  return {
    name,
    addressType: family === 4 ? "IPv4" : family === 6 ? "IPv6" : "other",
    ports: listOf(ports).slice(0, MAX_PORTS).flatMap(parsePort),
    endpoints: sound,
    leftOut: all.length - sound.length,
  };
}

function parsePort(value: unknown): SlicePort[] {
  const { name, protocol, port } = fieldsOf(value);
  const isTcp = protocol === "TCP" || protocol === undefined || protocol === null;
  const isNumber = typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535;
  return isTcp && isNumber ? [{ name: nameIn(name) ?? "", number: port }] : [];
}

function parseEndpoint(value: unknown, family: 4 | 6): SliceEndpoint[] {
  const { addresses, conditions, zone, hints, targetRef } = fieldsOf(value);
  const [address] = listOf(addresses); // there is one: further ones mean nothing
  if (typeof address !== "string" || address.includes("%") || isIP(address) !== family) return [];
  const { ready: saidReady, serving: saidServing, terminating } = fieldsOf(conditions);
  const ready = saidReady !== false; // not said means ready
  const { uid } = fieldsOf(targetRef);
  const endpoint = {
    address: family === 6 ? ipaddr.IPv6.parse(address).toString() : address,
    ready,
    serving: typeof saidServing === "boolean" ? saidServing : ready,
    terminating: terminating === true,
    zone: nameIn(zone),
    forZones: listOf(fieldsOf(hints).forZones)
      .slice(0, 8) // Kubernetes allows eight
      .flatMap((one) => nameIn(fieldsOf(one).name) ?? []),
    owner: nameIn(uid),
  };
  return [endpoint];
}

function nameIn(value: unknown): string | null {
  return typeof value === "string" && value !== "" && value.length <= MAX_NAME ? value : null;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
