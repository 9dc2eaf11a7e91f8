/** What holds in every shape of the chart: parts find each other, pods stop in time, nobody is root, no secret is in clear. */
import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { HAS_HELM, type KubernetesObject, type Labels, render } from "../../../support/helm/render.ts";
import { SHAPES } from "./shapes.ts";

/** Names in SHAPES of what users bring themselves. */
const THEIRS = /^(ours|pg|redis|tokens|shop-tls|sticky|pages|pull|scrape|models)$/;
const WORKLOADS = ["Deployment", "StatefulSet", "DaemonSet"];

function workloads(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return objects.filter(({ kind }) => WORKLOADS.includes(kind));
}

function podsOf(
  objects: readonly KubernetesObject[],
): { name: string; labels: Labels; spec: KubernetesObject["spec"] }[] {
  return [
    ...workloads(objects).map(({ metadata, spec }) => ({
      name: metadata.name,
      labels: spec.template.metadata.labels,
      spec: spec.template.spec,
    })),
    ...objects
      .filter(({ kind }) => kind === "Pod")
      .map(({ metadata, spec }) => ({ name: metadata.name, labels: metadata.labels ?? {}, spec })),
  ];
}

function finds(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function balancerOf(objects: readonly KubernetesObject[]): KubernetesObject {
  const found = workloads(objects).filter(
    ({ metadata }) => metadata.labels?.["app.kubernetes.io/component"] === "balancer",
  );
  expect(found).toHaveLength(1);
  return found[0];
}

describe.skipIf(!HAS_HELM).each(HAS_HELM ? Object.entries(SHAPES) : [])("%s", (_, shape) => {
  const objects = HAS_HELM ? render(shape) : [];
  const pods = podsOf(objects);
  const balancer = HAS_HELM ? balancerOf(objects) : ({} as KubernetesObject);
  const named = (kind: string) => objects.filter((each) => each.kind === kind);

  test("names and labels are as long as they may be, and no two objects are one", () => {
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { kind, metadata } of objects) {
      const most = { StatefulSet: 52, Role: 253, RoleBinding: 253 }[kind] ?? 63;
      expect(`${metadata.name} ${metadata.name.length <= most}`).toBe(`${metadata.name} true`);
      for (const label of Object.values(metadata.labels ?? {}))
        expect(label).toMatch(/^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/);
    }
  });

  test("selectors find the pods that they are for, and ports are there", () => {
    for (const { spec } of workloads(objects)) {
      expect(finds(spec.selector.matchLabels, spec.template.metadata.labels)).toBe(true);
      expect(pods.filter(({ labels }) => finds(spec.selector.matchLabels, labels))).toHaveLength(1);
    }
    for (const { metadata, spec } of named("Service")) {
      const found = pods.filter(({ labels }) => finds(spec.selector, labels));
      expect(`${metadata.name}: ${found.length}`).toBe(`${metadata.name}: 1`);
      const ports = found[0].spec.containers[0].ports.map(({ name }: { name: string }) => name);
      for (const { targetPort } of spec.ports) expect(ports).toContain(targetPort);
    }
    for (const { spec } of [...named("PodDisruptionBudget")]) {
      expect(finds(spec.selector.matchLabels, balancer.spec.template.metadata.labels)).toBe(true);
    }
    for (const { spec } of named("NetworkPolicy")) {
      expect(pods.filter(({ labels }) => finds(spec.podSelector.matchLabels, labels))).toHaveLength(1);
    }
    for (const { spec } of named("ServiceMonitor")) {
      const found = named("Service").filter(({ metadata }) => finds(spec.selector.matchLabels, metadata.labels ?? {}));
      expect(found.map((service) => service.spec.ports[0].name)).toEqual([spec.endpoints[0].port]);
    }
    for (const { spec } of named("HorizontalPodAutoscaler")) {
      expect([spec.scaleTargetRef.kind, spec.scaleTargetRef.name]).toEqual([balancer.kind, balancer.metadata.name]);
    }
    for (const { spec } of named("Ingress")) {
      for (const { http } of spec.rules) {
        for (const { backend } of http.paths) expect(backend.service.name).toBe(balancer.metadata.name);
      }
    }
  });

  test("volumes, secrets, accounts are there, or theirs", () => {
    const isThere = (kind: string, name: string) =>
      THEIRS.test(name) || named(kind).some(({ metadata }) => metadata.name === name);
    for (const { name, spec } of pods) {
      const claims = workloads(objects).find(({ metadata }) => metadata.name === name)?.spec.volumeClaimTemplates ?? [];
      const volumes = [...spec.volumes, ...claims.map((claim: KubernetesObject) => claim.metadata)];
      for (const mount of spec.containers[0].volumeMounts) {
        expect(volumes.map((volume) => volume.name)).toContain(mount.name);
      }
      for (const { configMap, secret } of spec.volumes) {
        if (configMap) expect(isThere("ConfigMap", configMap.name)).toBe(true);
        if (secret) expect(isThere("Secret", secret.secretName)).toBe(true);
      }
      for (const { valueFrom } of spec.containers[0].env ?? []) {
        if (!valueFrom?.secretKeyRef) continue;
        const { name: secretName, key } = valueFrom.secretKeyRef;
        const own = named("Secret").find(({ metadata }) => metadata.name === secretName);
        expect(THEIRS.test(secretName) || own?.data[key] !== undefined).toBe(true);
      }
      if (spec.serviceAccountName) expect(isThere("ServiceAccount", spec.serviceAccountName)).toBe(true);
    }
  });

  test("no pod is more than it has to be", () => {
    for (const { spec } of pods) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532 });
      expect(spec.securityContext.seccompProfile).toEqual({ type: "RuntimeDefault" });
      expect(spec.enableServiceLinks).toBe(false);
      for (const { securityContext, resources } of spec.containers) {
        expect(securityContext.readOnlyRootFilesystem).toBe(true);
        expect(securityContext.allowPrivilegeEscalation).toBe(false);
        expect(securityContext.capabilities).toEqual({ drop: ["ALL"] });
        expect(resources.limits.memory).toBeString();
      }
    }
    expect(objects.filter(({ kind }) => kind.startsWith("ClusterRole"))).toEqual([]);
    for (const { rules } of named("Role")) {
      expect(rules).toEqual([
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
      ]);
    }
    const { spec } = balancer.spec.template;
    // A token for the API server is there where it is asked, and nowhere else.
    const asks = /k8s(\+\w+)?:\/\//.test(JSON.stringify(named("ConfigMap")));
    expect(spec.automountServiceAccountToken).toBe(asks || shape.values?.discovery !== undefined);
  });

  test("a pod that ends has time for the requests in flight, and says before that none should come", () => {
    const { spec } = balancer.spec.template;
    const env = Object.fromEntries(
      spec.containers[0].env.map((each: { name: string; value?: string }) => [each.name, each.value]),
    );
    const [grace, timeout] = [Number(env.SHUTDOWN_GRACE_SECONDS), Number(env.SHUTDOWN_TIMEOUT_SECONDS)];
    const { periodSeconds, failureThreshold } = spec.containers[0].readinessProbe;
    expect(grace).toBeGreaterThan(0);
    expect(timeout).toBeGreaterThan(grace);
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(timeout);
    expect(periodSeconds * failureThreshold).toBeLessThan(15);
    expect(new Set(spec.containers[0].env.map(({ name }: { name: string }) => name)).size).toBe(
      spec.containers[0].env.length,
    );
  });

  test("probes go to a port that there is", () => {
    const [container] = balancer.spec.template.spec.containers;
    const ports = container.ports.map(({ name }: { name: string }) => name);
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      expect(ports).toContain(probe.httpGet.port);
    }
    expect(container.livenessProbe.httpGet.path).toBe("/health/live");
    expect(container.readinessProbe.httpGet.path).toBe("/health/ready");
  });

  test("nodes can be drained", () => {
    const [hpa] = named("HorizontalPodAutoscaler");
    const replicas = hpa?.spec.minReplicas ?? balancer.spec.replicas;
    if (hpa !== undefined) expect("replicas" in balancer.spec).toBe(false);
    for (const { spec } of named("PodDisruptionBudget")) {
      expect(spec.maxUnavailable ?? (replicas ?? 1) - spec.minAvailable).toBeGreaterThan(0);
    }
  });

  test("passwords are in secrets alone", () => {
    const others = JSON.stringify(objects.filter(({ kind }) => kind !== "Secret"));
    expect(others).not.toContain("in-clear");
  });
});

describe.skipIf(!HAS_HELM)("single shapes", () => {
  const container = (values: Record<string, unknown>) =>
    balancerOf(render({ values })).spec.template.spec.containers[0];

  test("probes leave the clients' port where it is the site's, and the admin port where it is off", () => {
    const ports = (values: Record<string, unknown>) => {
      const { livenessProbe, readinessProbe } = container({ servers: ["http://a:80"], ...values });
      return [livenessProbe.httpGet.port, readinessProbe.httpGet.port];
    };
    expect(ports({})).toEqual(["admin", "http"]);
    expect(ports({ reservedPaths: false })).toEqual(["admin", "admin"]);
    expect(ports({ env: { PROXY_PROTOCOL: true } })).toEqual(["admin", "admin"]);
    expect(ports({ admin: { enabled: false } })).toEqual(["http", "http"]);
  });

  test("a changed configuration, or password, rolls the pods; who brings a ConfigMap rolls them", () => {
    const sum = (values: Record<string, unknown>) => balancerOf(render({ values })).spec.template.metadata.annotations;
    const before = sum({ servers: ["http://a:80"] });
    expect(sum({ servers: ["http://a:80"] })).toEqual(before);
    expect(sum({ servers: ["http://b:80"] })).not.toEqual(before);
    const secret = sum({ servers: ["http://a:80"], db: { host: "x", password: "y" } })["checksum/secret"];
    expect(sum({ servers: ["http://a:80"], db: { host: "x", password: "z" } })["checksum/secret"]).not.toBe(secret);
    // Nobody who may look at pods can try passwords against a plain hash.
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(["y", "y\n"].map((text) => new Bun.CryptoHasher("sha256").update(text).digest("hex"))).not.toContain(secret);
    expect(sum({ existingConfigMap: "ours" })["checksum/config"]).toBeUndefined();
  });

  test("numbers are numbers, however large", () => {
    const { env } = container({
      servers: ["http://a:80"],
      env: { LEARNING_MAX_SAMPLES: 2_000_000, ACCESS_LOG_SAMPLE: 0.01, HTTP2: true },
    });
    const byName = Object.fromEntries(env.map(({ name, value }: { name: string; value: string }) => [name, value]));
    expect(byName).toMatchObject({ LEARNING_MAX_SAMPLES: "2000000", ACCESS_LOG_SAMPLE: "0.01", HTTP2: "true" });
  });

  test("the zone comes from the pod's label, unless it is said", () => {
    const zone = (values: Record<string, unknown>) =>
      container(values).env.find(({ name }: { name: string }) => name === "APP_ZONE");
    expect(zone({}).valueFrom.fieldRef.fieldPath).toBe("metadata.labels['topology.kubernetes.io/zone']");
    expect(zone({ zone: "eu-1a" })).toEqual({ name: "APP_ZONE", value: "eu-1a" });
    expect(zone({ zoneFromPodLabel: false })).toBeUndefined();
  });

  test("Roles are in the namespaces that servers name, and no others", () => {
    const roles = render(SHAPES["discovery in several namespaces"]).filter(({ kind }) => kind === "Role");
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(["blog", "shop", "spare"]);
    expect(render({ values: { servers: ["http://a:80"] } }).filter(({ kind }) => kind === "Role")).toEqual([]);
  });

  test("pods that serve nobody keep no node from being drained, where Kubernetes knows that", () => {
    const policy = (kubernetes: string) =>
      render({ kubernetes }).find(({ kind }) => kind === "PodDisruptionBudget")!.spec.unhealthyPodEvictionPolicy;
    expect([policy("1.25.0"), policy("1.35.0")]).toEqual([undefined, "AlwaysAllow"]);
  });

  test("trial backends come where nothing is named, never in production", () => {
    const isThere = (values: Record<string, unknown>) =>
      render({ values }).some(({ metadata }) => metadata.name === "edge-neurabalancer-backend");
    expect(isThere({})).toBe(true);
    expect(isThere({ servers: ["http://a:80"] })).toBe(false);
    expect(isThere({ environment: "production", servers: ["http://a:80"] })).toBe(false);
    expect(isThere({ environment: "production", backends: { enabled: true } })).toBe(true);
  });

  test("Grafana comes with its password", () => {
    const isThere = (values: Record<string, unknown>) =>
      render({ values }).some(({ metadata }) => metadata.name === "edge-neurabalancer-grafana");
    expect(isThere({})).toBe(false);
    expect(isThere({ grafana: { adminPassword: "a-password" } })).toBe(true);
    expect(isThere({ grafana: { adminPassword: "a-password", enabled: false } })).toBe(false);
  });

  test("Grafana has the sources that there are, by the uids that dashboards name", () => {
    const sources = (values: Record<string, unknown>) => {
      const objects = render({ values: { grafana: { adminPassword: "a-password", ...values } } });
      const found = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name.endsWith("-grafana"))!;
      return parse(found.data["datasources.yaml"]).datasources.map((each: { uid: string; url: string }) => [
        each.uid,
        each.url,
      ]);
    };
    expect(sources({ prometheusUrl: "http://p:1" })).toEqual([["neurabalancer-prometheus", "http://p:1"]]);
    expect(sources({ lokiUrl: "http://l:1", tempoUrl: "http://t:1" })).toEqual([
      ["neurabalancer-prometheus", "http://prometheus-operated:9090"],
      ["neurabalancer-loki", "http://l:1"],
      ["neurabalancer-tempo", "http://t:1"],
    ]);
  });

  test("helm test asks the service for a healthy server", () => {
    const [pod] = render({ values: { servers: ["http://a:80"], service: { port: 8000 } } }).filter(
      ({ kind }) => kind === "Pod",
    );
    expect(pod.spec.containers[0].args).toEqual([
      "healthcheck",
      "--url",
      "http://edge-neurabalancer:8000/health/ready",
    ]);
  });
});
