/**
 * docker-compose.yml agrees with what it starts: settings, ports and names of the product, the files of configs/ and the hosts
 * that they name. What Docker Compose makes of it is in test/integration/configs/compose.test.ts.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { KNOWN_NAMES } from "../../../src/config/misspelt.ts";
import { STACK_VARIABLES } from "../../../src/config/names/stack-variables.ts";
import { ALL_SETTINGS } from "../../../src/config/schema.ts";

const ROOT = join(import.meta.dir, "../../..");
const text = readFileSync(join(ROOT, "docker-compose.yml"), "utf8");
// biome-ignore lint/suspicious/noExplicitAny: a file of another tool, looked into key by key
const compose: any = parse(text, { merge: true, uniqueKeys: true });
// biome-ignore lint/suspicious/noExplicitAny: as above
const services: [string, any][] = Object.entries(compose.services);
const OWN = ["load-balancer", "backend-1", "backend-2", "backend-3", "model-server"];

describe("docker-compose.yml", () => {
  test("has the thirteen services of the contract", () => {
    const others = ["postgres", "redis", "prometheus", "grafana", "loki", "tempo", "otel-collector", "alloy"];
    expect(Object.keys(compose.services).sort()).toEqual([...OWN, ...others].sort());
  });

  test("has every image by an exact version, ours by that of this package", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const [name, { image, build }] of services) {
      if (OWN.includes(name)) {
        expect(image).toEndWith(`:\${NEURABALANCER_VERSION:-${version}}`);
        expect(build.context).toBe(".");
        expect([build.dockerfile, existsSync(join(ROOT, build.dockerfile))]).toEqual([build.dockerfile, true]);
      } else expect(image).toMatch(/:v?\d+\.\d+\.\d+(-[a-z0-9]+)?$/);
    }
  });

  test("lets no container do more than it must, nor fill the disk with its log", () => {
    for (const [, service] of services) {
      expect(service).toMatchObject({
        restart: "unless-stopped",
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        logging: { options: { "max-size": "10m", "max-file": "3" } },
      });
      expect(service).not.toHaveProperty("privileged");
      expect(service).not.toHaveProperty("cap_add");
      expect(Object.keys(service.deploy.resources.limits).sort()).toEqual(["cpus", "memory", "pids"]);
      expect(service.tmpfs).toContain("/tmp");
    }
    expect(text).not.toContain("docker.sock");
  });

  test("publishes the ports of the contract, on this machine alone unless somebody says otherwise", () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port: string) => `${name} ${port}`));
    const operator = (name: string, port: number) => `${name} \${STACK_OPERATOR_ADDRESS:-127.0.0.1}:${port}:${port}`;
    expect(published.sort()).toEqual(
      [
        // biome-ignore-start lint/suspicious/noTemplateCurlyInString: of Docker Compose
        "load-balancer ${STACK_CLIENT_ADDRESS:-127.0.0.1}:${APP_PORT:-8080}:8080",
        "load-balancer ${STACK_OPERATOR_ADDRESS:-127.0.0.1}:${ADMIN_PORT:-8090}:8090",
        // biome-ignore-end lint/suspicious/noTemplateCurlyInString: of Docker Compose
        operator("backend-1", 8001),
        operator("backend-2", 8002),
        operator("backend-3", 8003),
        operator("model-server", 8081),
        operator("prometheus", 9090),
        operator("grafana", 3000),
        operator("loki", 3100),
        operator("tempo", 3200),
        operator("otel-collector", 4317),
      ].sort(),
    );
  });

  test("waits for the health of those alone that can say how they are", () => {
    const waits = services.flatMap(([, { depends_on = {} }]) => Object.entries<{ condition: string }>(depends_on));
    for (const [name, { condition }] of waits) {
      const asked = compose.services[name].healthcheck !== undefined;
      if (condition === "service_healthy") expect([name, asked]).toEqual([name, true]);
    }
    const silent = services.filter(([, { healthcheck }]) => healthcheck === undefined).map(([name]) => name);
    expect(silent).toEqual(["otel-collector"]);
    // No shell in these.
    for (const name of ["loki", "tempo"]) {
      expect(compose.services[name].healthcheck.test[0]).toBe("CMD");
      expect(compose.services[name].healthcheck.test.at(-1)).toBe("-health");
    }
  });

  test("our images say themselves how they are asked, and the balancer must be ready besides", () => {
    for (const name of OWN) {
      const { build, healthcheck } = compose.services[name];
      const [, own] = /^HEALTHCHECK .* CMD (\[.*\])$/m.exec(readFileSync(join(ROOT, build.dockerfile), "utf8")) ?? [];
      expect(JSON.parse(own ?? "[]").slice(0, 2)).toEqual(["neurabalancer", "healthcheck"]);
      if (name !== "load-balancer") expect(healthcheck).not.toHaveProperty("test");
      else expect(healthcheck.test).toEqual(["CMD", ...JSON.parse(own ?? "[]"), "--ready"]);
    }
  });

  test("mounts what there is, and keeps in volumes what it declares", () => {
    const declared = Object.keys(compose.volumes);
    const used = new Set<string>();
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes as string[]) {
        const [source, , mode] = volume.split(":");
        if (source.startsWith("./")) {
          expect([name, source, existsSync(join(ROOT, source)), mode]).toEqual([name, source, true, "ro"]);
        } else used.add(source);
      }
    }
    expect([...used].sort()).toEqual(declared.sort());
  });

  test("mounts files where their programs are told to look", () => {
    for (const [name, { command = [], volumes = [] }] of services) {
      const targets = (volumes as string[]).map((volume) => volume.split(":")[1]);
      const named = (command as string[]).flatMap((word) => /(?:^|=)(\/.+)$/.exec(word)?.[1] ?? []);
      expect([name, named.filter((path) => !targets.includes(path))]).toEqual([name, []]);
    }
    const mounted = (name: string) => compose.services[name].volumes.map((volume: string) => volume.split(":")[1]);
    const provider = parse(
      readFileSync(join(ROOT, "configs/grafana/provisioning/dashboards/neurabalancer.yml"), "utf8"),
    ).providers[0];
    expect(mounted("grafana")).toContain(provider.options.path);
    const { rule_files } = parse(readFileSync(join(ROOT, "configs/prometheus/prometheus.yml"), "utf8"));
    expect(rule_files).toEqual(["rules/*.yml"]);
    expect(mounted("prometheus")).toContain("/etc/prometheus/rules");
    const tempo = readFileSync(join(ROOT, "configs/tempo/tempo.yml"), "utf8");
    for (const [, path] of tempo.matchAll(/path: (\/\S+)/g)) expect(path).toStartWith(mounted("tempo")[1]);
    expect(readFileSync(join(ROOT, "configs/loki/loki.yml"), "utf8")).toContain(`path_prefix: ${mounted("loki")[1]}`);
  });

  test("has under their names the hosts that the files of configs/ name", () => {
    const files = ["prometheus/prometheus.yml", "otel/otel-collector.yml", "tempo/tempo.yml", "alloy/config.alloy"];
    files.push("grafana/provisioning/datasources/neurabalancer.yml");
    const hosts = files.flatMap((file) => {
      const active = readFileSync(join(ROOT, "configs", file), "utf8").replace(/^\s*(#|\/\/).*$/gm, "");
      return [...active.matchAll(/(?:\/\/|\[|: )([a-z][a-z-]*):\d{4,5}\b/g)].map((match) => match[1]);
    });
    const named = new Set(hosts.filter((host) => host !== "localhost"));
    expect([...named].filter((host) => compose.services[host] === undefined)).toEqual([]);
    for (const name of ["load-balancer", "model-server", "loki", "tempo", "prometheus"]) expect(named).toContain(name);
  });

  test("the container that reads the access log may, and looks where it is written", () => {
    const { environment } = compose.services["load-balancer"];
    const alloy = compose.services.alloy;
    expect(alloy.group_add).toEqual(["65532"]);
    expect(alloy.volumes).toContain("balancer-logs:/var/log/neurabalancer:ro");
    expect(readFileSync(join(ROOT, "configs/alloy/config.alloy"), "utf8")).toContain(
      `"__path__" = "${environment.ACCESS_LOG_FILE}"`,
    );
    // Docker gives a new volume the owner of this directory in the image.
    const image = readFileSync(join(ROOT, "deployments/docker/Dockerfile.balancer"), "utf8");
    expect(image).toContain("--chown=65532:65532 /out/log/ /var/log/");
  });
});

describe("variables of docker-compose.yml", () => {
  const used = new Set(Array.from(text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g), (match) => match[1]));

  test("are settings of the product, or are documented as the stack's own", () => {
    expect([...used].filter((name) => !KNOWN_NAMES.includes(name))).toEqual([]);
    expect(STACK_VARIABLES.map(({ env }) => env).filter((name) => !used.has(name))).toEqual([]);
  });

  test("have the defaults that are documented", () => {
    for (const { env, default: value, required } of STACK_VARIABLES) {
      if (required) expect(text).toContain(`\${${env}:?`);
      else if (value !== undefined) expect(text).toMatch(new RegExp(`\\$\\{${env}:?-${RegExp.escape(value)}\\}`));
    }
  });

  test("nothing is set that the product does not know", () => {
    const settings = new Set(ALL_SETTINGS.map(({ setting }) => setting.env));
    const environment = Object.keys(compose.services["load-balancer"].environment);
    expect(environment.filter((name) => !settings.has(name) && name !== "GRAFANA_ADMIN_PASSWORD")).toEqual([]);
    const server = Object.keys(compose.services["model-server"].environment);
    expect(server.filter((name) => !KNOWN_NAMES.includes(name))).toEqual([]);
  });
});

test("a checkout has the models that are mounted", () => {
  expect(readdirSync(join(ROOT, compose.services["model-server"].environment.MODEL_PATH.slice(14, -1)))).toContain(
    "load_balancer.onnx",
  );
});
