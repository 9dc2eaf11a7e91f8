/** Releases of the chart as people have them, for all tests that look at every shape. */
import { createHash } from "node:crypto";
import type { Rendering } from "../../../support/helm/render.ts";

const SHA256 = createHash("sha256").update("x").digest("hex");
const SITES = {
  pools: {
    shop: { servers: ["k8s://shop/web:http"] },
    blog: { servers: ["http://10.0.1.1:8080"], health: { path: "/" } },
  },
  routes: [
    { host: "shop.example", pool: "shop" },
    { host: "blog.example", pool: "blog" },
  ],
};

/** By a name that says what is special about it. */
export const SHAPES: Readonly<Record<string, Rendering>> = {
  defaults: {},
  "one pod": { values: { replicaCount: 1, servers: ["http://web.shop.svc:8080"] } },
  sites: { values: { environment: "production", config: SITES, env: { LEARNING_MAX_SAMPLES: 2_000_000 } } },
  "the file as a text": {
    values: { config: "# ours\nservers: [http://10.0.0.1:3000]\nbalancing: {concurrency_limits: off}\n" },
  },
  "a ConfigMap of theirs": { values: { existingConfigMap: "ours", discovery: { namespaces: ["shop"] } } },
  "secrets of theirs": {
    values: {
      servers: [{ url: "http://10.0.0.1:3000", weight: 2 }],
      db: { host: "127.0.0.1", port: 1, existingSecret: "pg", existingSecretPasswordKey: "pw", sslMode: "require" },
      redis: { addr: "127.0.0.1:1", existingSecret: "redis" },
      adminTokens: { existingSecret: "tokens" },
    },
  },
  "passwords as values": {
    values: {
      db: { host: "127.0.0.1", port: 1, password: "pg-in-clear" },
      redis: { sentinelAddrs: ["127.0.0.1:1"], sentinelMaster: "mymaster", password: "redis-in-clear" },
      grafana: {
        adminPassword: "grafana-in-clear",
        lokiUrl: "http://loki:3100",
        tempoUrl: "http://tempo:3200",
      },
    },
  },
  persistence: {
    values: {
      persistence: { enabled: true, storageClass: "fast", retentionPolicy: { whenDeleted: "Delete" } },
      db: { host: "127.0.0.1", port: 1, password: "x" },
    },
    kubernetes: "1.35.0",
  },
  autoscaling: { values: { autoscaling: { enabled: true, targetMemoryUtilizationPercentage: 80 } } },
  "a StatefulSet with autoscaling": {
    values: {
      kind: "StatefulSet",
      autoscaling: { enabled: true, minReplicas: 3 },
      podDisruptionBudget: { minAvailable: 2 },
    },
    kubernetes: "1.37.0",
  },
  "a pod on each node": {
    values: {
      kind: "DaemonSet",
      servers: "http://10.0.0.1:3000,http://10.0.0.2:3000",
      tls: { existingSecret: "shop-tls" },
      hostPorts: { http: 80, https: 443 },
      service: { type: "NodePort" },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
    },
  },
  TLS: {
    values: {
      servers: ["https://api.internal"],
      tls: { existingSecret: "shop-tls" },
      config: { tls: { redirect: true, min_version: 1.3 } },
      service: { type: "LoadBalancer", externalTrafficPolicy: "Local", loadBalancerSourceRanges: ["10.0.0.0/8"] },
    },
  },
  "ports below 1024": {
    values: {
      servers: ["http://10.0.0.1:3000"],
      tls: { existingSecret: "shop-tls" },
      containerPorts: { http: 80, https: 443 },
      service: { type: "NodePort", nodePort: 30080 },
    },
  },
  "network policies": {
    values: {
      networkPolicy: {
        enabled: true,
        ingressFrom: [{ namespaceSelector: { matchLabels: { team: "edge" } } }],
        metricsFrom: [{ namespaceSelector: {} }],
        egress: { enabled: true, rules: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }] },
      },
      modelServer: { enabled: true },
    },
  },
  "discovery in several namespaces": {
    values: {
      servers: ["k8s://shop/web:http", { url: "k8s+h2c://blog/grpc", weight: 3 }],
      discovery: { namespaces: ["shop", "spare"] },
      env: { PREFER_ZONE: "on" },
    },
  },
  "rights that somebody else gives": {
    values: {
      servers: ["k8s://shop/web"],
      rbac: { create: false },
      serviceAccount: { create: false, name: "ours" },
      zoneFromPodLabel: false,
    },
  },
  "without the admin port": { values: { admin: { enabled: false }, servers: ["http://10.0.0.1:3000"] } },
  "all paths are the site's": {
    values: { reservedPaths: false, servers: ["http://10.0.0.1:3000"], admin: { service: { enabled: true } } },
  },
  "the PROXY protocol": {
    values: {
      servers: ["http://10.0.0.1:3000"],
      env: { PROXY_PROTOCOL: "on", PROXY_PROTOCOL_FROM: "10.0.0.0/8" },
    },
  },
  "names of their own, an image by digest": {
    values: {
      fullnameOverride: "front-door",
      image: { registry: "registry.internal:5000", digest: `sha256:${SHA256}` },
      backends: { enabled: true, image: { tag: "edge" } },
      commonLabels: { team: "edge" },
      imagePullSecrets: [{ name: "pull" }],
    },
  },
  "long names": {
    release: `a${"-very-long".repeat(4)}-release-x`,
    namespace: "n".repeat(63),
    values: {
      redis: { addr: "127.0.0.1:1" },
      persistence: { enabled: true },
      dashboards: { enabled: true },
      metrics: { serviceMonitor: { enabled: true } },
      modelServer: { enabled: true },
      servers: ["k8s://shop/web"],
    },
  },
  monitoring: {
    values: {
      adminTokens: { tokens: [`prometheus:metrics:sha256:${SHA256}`] },
      metrics: {
        serviceMonitor: {
          enabled: true,
          jobName: "edge",
          scrapeClassicHistograms: true,
          tokenSecret: { name: "scrape" },
          additionalLabels: { release: "prometheus" },
        },
        prometheusRule: { enabled: true, namespace: "observability" },
      },
      dashboards: { enabled: true, annotations: { folder: "Edge" } },
      tracing: { endpoint: "http://otel-collector:4317", protocol: "grpc" },
    },
  },
  "a way in, and more": {
    values: {
      ingress: {
        enabled: true,
        className: "nginx",
        hosts: [{ host: "shop.example" }, { paths: [{ path: "/api", pathType: "Exact" }] }],
        tls: [{ secretName: "shop-tls", hosts: ["shop.example"] }],
      },
      modelServer: { enabled: true, existingClaim: "models", subPath: "current" },
      extraEnv: [{ name: "STICKY_KEYS", valueFrom: { secretKeyRef: { name: "sticky", key: "keys" } } }],
      extraVolumes: [{ name: "pages", configMap: { name: "pages" } }],
      extraVolumeMounts: [{ name: "pages", mountPath: "/etc/pages" }],
      podAnnotations: { "linkerd.io/inject": "enabled" },
      priorityClassName: "system-cluster-critical",
      extraObjects: [
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "{{ .Release.Name }}-object" } },
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-text\n",
      ],
    },
  },
};
