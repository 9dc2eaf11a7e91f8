/** values.schema.json of the chart: a word that is misspelt fails before anything is installed. */
import type { ChartValue } from "./values.ts";

type Json = Readonly<Record<string, unknown>>;

const TEXT: Json = { type: "string" };
const TEXTS: Json = { type: "array", items: TEXT };
const OBJECTS: Json = { type: "array", items: { type: "object" } };
const FREE: Json = { type: ["object", "null"] };
const WORDS: Json = { type: "object", additionalProperties: TEXT };
const PORT: Json = { type: "integer", minimum: 1, maximum: 65535 };
const PORT_OR_NONE: Json = { type: "integer", minimum: 0, maximum: 65535 };
const MAYBE_PORT: Json = { type: ["integer", "null"], minimum: 1, maximum: 65535 };
const SECONDS: Json = { type: "integer", minimum: 0, maximum: 3600 };
const QUANTITY: Json = { type: ["string", "integer"], pattern: "^[0-9]+(\\.[0-9]+)?([kMGTPE]i?|m)?$" };
const DURATION: Json = { type: "string", pattern: "^([0-9]+(ms|s|m|h))+$" };
const PULL: Json = { enum: ["Always", "IfNotPresent", "Never"] };
const DIGEST: Json = { type: "string", pattern: "^(sha256:[0-9a-f]{64})?$" };
const TAG: Json = { type: "string", pattern: "^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$" };
const ADDRESS: Json = { type: "string", pattern: "^([^\\s/]+:[0-9]+)?$" };
const ADDRESSES: Json = { type: "array", items: { type: "string", pattern: "^[^\\s/]+:[0-9]+$" } };
const URL_OR_NONE: Json = { type: "string", pattern: "^(https?://\\S+)?$" };
const NAME: Json = { type: "string", maxLength: 253, pattern: "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$" };
const PERCENT_OR_COUNT: Json = {
  anyOf: [{ type: "integer", minimum: 0 }, { type: "string", pattern: "^[0-9]+%$" }, { type: "null" }],
};
const PERCENT: Json = { type: ["integer", "null"], minimum: 1, maximum: 1000 };
const VARIABLE: Json = { type: ["string", "number", "boolean", "null"] };
const VARIABLES: Json = {
  type: "object",
  propertyNames: { pattern: "^[A-Za-z_][A-Za-z0-9_.-]*$" },
  additionalProperties: VARIABLE,
};

function oneOf(...words: string[]): Json {
  return { enum: words };
}

function image(name: string): Readonly<Record<string, Json>> {
  return { [`${name}.tag`]: TAG, [`${name}.digest`]: DIGEST, [`${name}.pullPolicy`]: PULL };
}

/** What a default does not tell. */
const SHAPES: Readonly<Record<string, Json>> = {
  ...image("image"),
  ...image("modelServer.image"),
  ...image("backends.image"),
  ...image("grafana.image"),
  nameOverride: NAME,
  fullnameOverride: NAME,
  commonLabels: WORDS,
  annotations: WORDS,
  podAnnotations: WORDS,
  podLabels: WORDS,
  nodeSelector: WORDS,
  imagePullSecrets: OBJECTS,
  environment: oneOf("development", "staging", "production"),
  servers: { $ref: "#/definitions/servers" },
  config: { anyOf: [TEXT, { $ref: "#/definitions/config" }] },
  existingConfigMap: NAME,
  env: VARIABLES,
  "modelServer.env": VARIABLES,
  "backends.env": VARIABLES,
  extraEnv: { type: "array", items: { type: "object", required: ["name"], properties: { name: TEXT } } },
  extraArgs: TEXTS,
  workers: { type: "integer", minimum: 0, maximum: 64 },
  kind: oneOf("", "Deployment", "StatefulSet", "DaemonSet"),
  "containerPorts.http": PORT,
  "containerPorts.https": PORT,
  "containerPorts.admin": PORT,
  "hostPorts.http": MAYBE_PORT,
  "hostPorts.https": MAYBE_PORT,
  extraContainerPorts: {
    type: "array",
    items: { type: "object", required: ["name", "containerPort"], properties: { name: TEXT, containerPort: PORT } },
  },
  "service.type": oneOf("ClusterIP", "NodePort", "LoadBalancer"),
  "service.port": PORT_OR_NONE,
  "service.httpsPort": PORT_OR_NONE,
  "service.nodePort": MAYBE_PORT,
  "service.httpsNodePort": MAYBE_PORT,
  "service.annotations": WORDS,
  "service.labels": WORDS,
  "service.externalTrafficPolicy": oneOf("", "Cluster", "Local"),
  "service.internalTrafficPolicy": oneOf("", "Cluster", "Local"),
  "service.loadBalancerSourceRanges": TEXTS,
  "service.externalIPs": TEXTS,
  "service.ipFamilyPolicy": oneOf("", "SingleStack", "PreferDualStack", "RequireDualStack"),
  "service.ipFamilies": { type: "array", items: oneOf("IPv4", "IPv6") },
  "service.sessionAffinity": oneOf("None", "ClientIP"),
  "ingress.annotations": WORDS,
  "ingress.hosts": {
    type: "array",
    items: { type: "object", additionalProperties: false, properties: { host: TEXT, paths: OBJECTS } },
  },
  "admin.allowedHosts": TEXTS,
  "admin.service.port": PORT,
  "admin.service.annotations": WORDS,
  "adminTokens.tokens": {
    type: "array",
    items: { type: "string", pattern: "^[^:,]+:(metrics|read|admin):sha256:[0-9a-f]{64}$" },
  },
  "db.port": PORT,
  "db.sslMode": oneOf("disable", "require", "verify-ca", "verify-full"),
  "redis.addr": ADDRESS,
  "redis.sentinelAddrs": ADDRESSES,
  "redis.clusterAddrs": ADDRESSES,
  "redis.clusterName": { type: "string", pattern: "^[a-z0-9_.-]{0,64}$" },
  "tracing.endpoint": URL_OR_NONE,
  "tracing.protocol": oneOf("http/protobuf", "grpc"),
  "discovery.namespaces": { type: "array", items: { type: "string", pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" } },
  "serviceAccount.annotations": WORDS,
  "shutdown.timeoutSeconds": SECONDS,
  "shutdown.graceSeconds": SECONDS,
  terminationGracePeriodSeconds: { type: ["integer", "null"], minimum: 1 },
  shmSize: QUANTITY,
  tmpSize: QUANTITY,
  dataSize: QUANTITY,
  "persistence.size": QUANTITY,
  "persistence.accessModes": {
    type: "array",
    items: oneOf("ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"),
  },
  "persistence.annotations": WORDS,
  "persistence.retentionPolicy": {
    type: "object",
    additionalProperties: false,
    properties: { whenDeleted: oneOf("Retain", "Delete"), whenScaled: oneOf("Retain", "Delete") },
  },
  "autoscaling.minReplicas": { type: "integer", minimum: 1 },
  "autoscaling.maxReplicas": { type: "integer", minimum: 1 },
  "autoscaling.targetCPUUtilizationPercentage": PERCENT,
  "autoscaling.targetMemoryUtilizationPercentage": PERCENT,
  "podDisruptionBudget.maxUnavailable": PERCENT_OR_COUNT,
  "podDisruptionBudget.minAvailable": PERCENT_OR_COUNT,
  "metrics.serviceMonitor.interval": DURATION,
  "metrics.serviceMonitor.scrapeTimeout": DURATION,
  "metrics.serviceMonitor.tokenSecret": {
    type: "object",
    additionalProperties: false,
    properties: { name: TEXT, key: TEXT },
  },
  "metrics.serviceMonitor.additionalLabels": WORDS,
  "metrics.serviceMonitor.annotations": WORDS,
  "metrics.prometheusRule.additionalLabels": WORDS,
  "metrics.prometheusRule.annotations": WORDS,
  "dashboards.labels": WORDS,
  "dashboards.annotations": WORDS,
  "grafana.enabled": { type: ["boolean", "null"] },
  "grafana.prometheusUrl": URL_OR_NONE,
  "grafana.lokiUrl": URL_OR_NONE,
  "grafana.tempoUrl": URL_OR_NONE,
  "modelServer.port": PORT,
  "backends.enabled": { type: ["boolean", "null"] },
  extraObjects: { type: "array", items: { type: ["object", "string"] } },
};

/**
 * values.schema.json.
 * @param configSchema docs/neurabalancer.schema.json, which `config` has to follow.
 * Throws when a shape here is of a value that there is none of, or a default tells no shape.
 */
export function valuesSchema(values: readonly ChartValue[], configSchema: string): string {
  const known = new Set<string>();
  const top = closed(values, known);
  const idle = Object.keys(SHAPES).filter((path) => !known.has(path));
  if (idle.length > 0) throw new Error(`values.yaml has no ${idle.join(", ")}`);
  const { definitions, $schema, title, ...config } = JSON.parse(configSchema, (_, value) => withoutTwins(value));
  const { anyOf } = config.properties.servers;
  const schema = {
    $schema,
    title: "Values of the chart neurabalancer",
    ...top,
    definitions: { servers: { anyOf }, config, ...definitions },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function closed(values: readonly ChartValue[], known: Set<string>): Json {
  const properties = values.map((value) => [value.path.split(".").at(-1), property(value, known)]);
  // Helm takes away what is said to be null. Of a mapping that is read further down nothing would be left to read.
  const required = values.filter(({ inner }) => inner.length > 0).map(({ path }) => path.split(".").at(-1));
  return { type: "object", additionalProperties: false, required, properties: Object.fromEntries(properties) };
}

function property(value: ChartValue, known: Set<string>): Json {
  known.add(value.path);
  const description = value.doc === "" ? {} : { description: value.doc.replaceAll("`", "") };
  if (value.inner.length > 0) return closed(value.inner, known);
  return { ...description, ...(SHAPES[value.path] ?? byDefault(value)) };
}

function byDefault({ path, value }: ChartValue): Json {
  if (typeof value === "string") return TEXT;
  if (typeof value === "boolean") return { type: "boolean" };
  if (Number.isInteger(value)) return { type: "integer", minimum: 0 };
  if (Array.isArray(value)) return OBJECTS;
  if (typeof value === "object" && value !== null) return FREE;
  throw new Error(`values.yaml: the default of ${path} does not tell what may stand there`);
}

/** Helm's reader of schemas takes "1.2" and 1.2 in one list for the same twice, and the list for wrong: two lists. */
function withoutTwins(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("enum" in value) || !Array.isArray(value.enum)) return value;
  const { enum: words, ...rest } = value;
  const numbers = words.filter((word) => typeof word === "number");
  if (!numbers.some((number) => words.includes(String(number)))) return value;
  return { ...rest, anyOf: [{ enum: words.filter((word) => typeof word !== "number") }, { enum: numbers }] };
}
