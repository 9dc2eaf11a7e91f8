/** `neurabalancer check` takes what the pods of every shape are given: arguments, variables and the file. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../../support/certificates.ts";
import { HAS_HELM, render } from "../../../support/helm/render.ts";
import { neurabalancer } from "../../cli/spawn.ts";
import { SHAPES } from "./shapes.ts";

const CAN = HAS_HELM && Bun.which("openssl") !== null;
/** What Kubernetes would put in the place of references. */
const SECRETS: Readonly<Record<string, string>> = {
  ADMIN_TOKENS: `ops:admin:sha256:${"0".repeat(64)}`,
  STICKY_KEYS: "sixteen-bytes-or-more",
};

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: unknown; readonly fieldRef?: { readonly fieldPath: string } };
}

describe.skipIf(!CAN)("what a pod is given is a configuration", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "neurabalancer-pod-"));
    const { cert, key } = createAuthority().issue("DNS:shop.example");
    writeFileSync(join(directory, "tls.crt"), cert);
    writeFileSync(join(directory, "tls.key"), key);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** As in the pod, but for paths and what only Kubernetes knows. */
  function environment(variables: readonly Variable[]): Record<string, string> {
    const all = variables.map(({ name, value, valueFrom }) => {
      if (name === "DATA_DIR") return [name, directory];
      if (value !== undefined) return [name, value.replace("/etc/neurabalancer/tls", directory)];
      // Before Kubernetes 1.35 the label of the zone is not there, and the variable is empty.
      if (valueFrom?.fieldRef)
        return [name, valueFrom.fieldRef.fieldPath.startsWith("metadata.labels") ? "" : "edge-0"];
      return [name, SECRETS[name] ?? "a-password"];
    });
    return Object.fromEntries(all);
  }

  test.each(Object.entries(SHAPES).filter(([, { values }]) => values?.existingConfigMap === undefined))(
    "%s",
    (_, shape) => {
      const objects = render(shape);
      const [{ spec }] = objects.filter(
        ({ kind, metadata }) =>
          ["Deployment", "StatefulSet", "DaemonSet"].includes(kind) &&
          metadata.labels?.["app.kubernetes.io/component"] === "balancer",
      );
      const [container] = spec.template.spec.containers;
      const [, ...flags] = container.args;
      const mount = container.volumeMounts.find(({ name }: { name: string }) => name === "config");
      expect(flags).toEqual(["--config", `${mount.mountPath}/neurabalancer.yaml`]);
      const volume = spec.template.spec.volumes.find(({ name }: { name: string }) => name === "config");
      const file = objects.find(
        ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === volume.configMap.name,
      )!;
      const path = join(directory, "neurabalancer.yaml");
      writeFileSync(path, file.data["neurabalancer.yaml"]);
      const { code, stdout, stderr } = neurabalancer(
        ["check", "--changed", "--config", path],
        environment(container.env),
      );
      expect(`${stderr}${stdout}`).toContain("The configuration can be used");
      expect(code).toBe(0);
      expect(stdout).not.toMatch(/no such setting|is ignored/);
    },
    120_000,
  );
});
