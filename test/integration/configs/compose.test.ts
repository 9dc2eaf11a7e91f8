/**
 * docker-compose.yml as Docker Compose reads it, with an untouched copy of .env.example: what the containers get, and that the
 * product serves with it, beside a real PostgreSQL and a real Redis. The names of the services are replaced by addresses of the
 * test's own, and so are the directories of volumes; everything else is what the container gets.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Product, request } from "../../drill/fixture.ts";
import { type ComposeService, envExample, hasCompose, readCompose } from "../../support/compose/read-compose.ts";
import { hasPostgres, PASSWORD, PostgresServer } from "../../support/databases/postgres-server.ts";
import { hasRedis, RedisServer } from "../../support/databases/redis-server.ts";
import { blocksOf } from "../../support/doc-blocks.ts";
import { runModelServer } from "../../support/model-server-process.ts";
import { Daemon, spawnSync } from "../../support/processes.ts";
import { startGrpcCollector } from "../../support/tracing/collectors.ts";
import { until } from "../../support/until.ts";

const ROOT = join(import.meta.dir, "../../..");
const LAUNCHER = join(ROOT, "bin/neurabalancer");
const PASSWORDS = `DB_PASSWORD=${PASSWORD}\nGRAFANA_ADMIN_PASSWORD=grafana-of-the-test\n`;

function servicesOf(more = ""): Readonly<Record<string, ComposeService>> {
  const { services, said } = readCompose({ env: `${envExample()}${PASSWORDS}${more}` });
  expect(said).toBe("");
  if (services === null) throw new Error("no services");
  return services;
}

describe.skipIf(!hasCompose)("docker compose with an untouched copy of .env.example and two passwords", () => {
  test("starts thirteen services, and no variable is unset", () => {
    expect(Object.keys(servicesOf())).toHaveLength(13);
  });

  test("publishes nothing beyond this machine", () => {
    const ports = Object.values(servicesOf()).flatMap(({ ports = [] }) => ports);
    expect(ports.map(({ host_ip }) => host_ip)).toEqual(ports.map(() => "127.0.0.1"));
    expect(ports).toHaveLength(11);
  });

  test("has the balancer reach the stack's servers, not what .env.example names", () => {
    const { environment } = servicesOf()["load-balancer"];
    expect(environment.SERVERS).toBe("http://backend-1:8001,http://backend-2:8002,http://backend-3:8003");
    const addresses = Object.entries(environment).filter(([, value]) => value.includes("127.0.0.1"));
    expect(addresses).toEqual([]);
  });

  test("gives each password to who needs it, and to nobody else", () => {
    const holders = (secret: string) =>
      Object.entries(servicesOf()).flatMap(([name, service]) =>
        JSON.stringify(service).includes(secret) ? [name] : [],
      );
    expect(holders(PASSWORD).sort()).toEqual(["load-balancer", "postgres"]);
    expect(holders("grafana-of-the-test")).toEqual(["grafana"]);
  });

  test("says which password is missing, and starts nothing", () => {
    for (const name of ["DB_PASSWORD", "GRAFANA_ADMIN_PASSWORD"]) {
      const env = envExample() + PASSWORDS.replace(new RegExp(`^${name}=.*$`, "m"), `${name}=`);
      const { services, said } = readCompose({ env });
      expect(services).toBeNull();
      expect(said).toContain(`required variable ${name} is missing a value: is not set. Put it into .env`);
    }
  });

  test("works without the file, where the passwords are exported", () => {
    const { services, said } = readCompose({
      env: null,
      exported: { DB_PASSWORD: "one", GRAFANA_ADMIN_PASSWORD: "two" },
    });
    expect(said).toBe("");
    expect(services?.["load-balancer"].environment.DB_PASSWORD).toBe("one");
  });

  test("hands on what .env sets, also names with a dash and values with a dollar sign", () => {
    const { environment, ports } = servicesOf(
      "LB_STRATEGY=ml\nSERVER_WEIGHT_backend-1_8001=2\nAPP_PORT=9999\nADMIN_TOKEN='0123456789abcdef$x'\nREDIS_PASSWORD='a$b'\n",
    )["load-balancer"];
    expect(environment).toMatchObject({
      LB_STRATEGY: "ml",
      "SERVER_WEIGHT_backend-1_8001": "2",
      // Where it is published; inside it stays.
      APP_PORT: "8080",
      ADMIN_TOKEN: "0123456789abcdef$x",
      REDIS_PASSWORD: "a$b",
    });
    expect(ports?.[0]).toMatchObject({ published: "9999", target: 8080 });
  });

  test("takes servers of one's own, and none where a configuration file has them", () => {
    expect(servicesOf("STACK_SERVERS=http://10.0.0.5:3000\n")["load-balancer"].environment.SERVERS).toBe(
      "http://10.0.0.5:3000",
    );
    expect(servicesOf("STACK_SERVERS=\n")["load-balancer"].environment.SERVERS).toBe("");
  });

  test("reads the override that docs/compose.md shows", () => {
    const override = blocksOf("docs/compose.md").find(({ language }) => language === "yaml")?.text;
    const { services, said } = readCompose({ env: envExample() + PASSWORDS, override });
    expect(said).toBe("");
    expect(services?.["load-balancer"]).toMatchObject({
      environment: { CONFIG_FILE: "/etc/neurabalancer/sites.yaml", DB_HOST: "postgres" },
    });
    expect(services?.["load-balancer"].ports?.map(({ target }) => target)).toEqual([8080, 8090, 8443]);
  });
});

describe.skipIf(!hasCompose || !hasPostgres || !hasRedis)("the product with what its containers get", () => {
  const directory = mkdtempSync(join(tmpdir(), "nb-compose-run-"));
  const closing: (() => unknown)[] = [];
  let services: Readonly<Record<string, ComposeService>>;
  beforeAll(() => {
    services = servicesOf("REDIS_PASSWORD=redis-of-the-test\n");
  });
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
    rmSync(directory, { recursive: true });
  });

  async function startBackend(name: string): Promise<string> {
    const { BACKEND_PORT, ...environment } = services[name].environment;
    const env = { ...environment, BACKEND_HOST: "127.0.0.1", BACKEND_PORT: "0" };
    const backend = new Daemon([LAUNCHER, "backend"], { env });
    closing.push(() => backend.stop());
    const [url] = await backend.says(({ stdout, stderr }) => /http:\/\/127\.0\.0\.1:\d+/.exec(stdout + stderr));
    expect(services["load-balancer"].environment.SERVERS).toContain(`http://${name}:${BACKEND_PORT}`);
    return url;
  }

  test("model-server offers the model that is mounted", async () => {
    const { environment } = services["model-server"];
    const server = await runModelServer({
      ...environment,
      MODEL_PATH: join(ROOT, environment.MODEL_PATH),
      ML_SERVICE_HOST: "127.0.0.1",
      ML_SERVICE_PORT: "0",
    });
    closing.push(() => server.stop());
    await until(async () => {
      const { model_loaded } = (await (await fetch(`${server.url}/health`)).json()) as { model_loaded: boolean };
      return model_loaded;
    });
  });

  test("load-balancer starts, balances over the three, writes its log, and is degraded in nothing", async () => {
    const postgres = await PostgresServer.start();
    closing.push(() => postgres.remove());
    const database = await postgres.database();
    // The stack's own arguments, as a real Redis takes them.
    const [, ...redisOptions] = services.redis.command ?? [];
    const redis = await RedisServer.start(null, null, redisOptions);
    closing.push(() => redis.remove());
    const collector = await startGrpcCollector();
    closing.push(() => collector.stop());
    const backends = await Promise.all(["backend-1", "backend-2", "backend-3"].map(startBackend));
    const kept = join(directory, "data");
    const logs = join(directory, "logs");
    for (const each of [kept, logs]) mkdirSync(each);

    const { environment } = services["load-balancer"];
    const env: Record<string, string> = {
      ...environment,
      SERVERS: backends.join(","),
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_HOST: "127.0.0.1",
      ADMIN_PORT: "auto",
      DATA_DIR: environment.DATA_DIR.replace("/var/lib/neurabalancer", kept),
      ACCESS_LOG_FILE: environment.ACCESS_LOG_FILE.replace("/var/log/neurabalancer", logs),
      DB_HOST: environment.DB_HOST.replace("postgres", database.host),
      DB_PORT: `${database.port}`,
      DB_NAME: database.database,
      DB_USER: database.user,
      REDIS_ADDR: environment.REDIS_ADDR.replace("redis:6379", redis.addr),
      OTEL_EXPORTER_OTLP_ENDPOINT: environment.OTEL_EXPORTER_OTLP_ENDPOINT.replace(
        "otel-collector:4317",
        `127.0.0.1:${collector.port}`,
      ),
      // As they are where nobody says anything: tests of the product have others.
      HISTORY: "on",
      LEARNING_SAMPLES: "on",
      HEALTH_CHECK_INTERVAL_SECONDS: "5",
      HEALTH_CHECK_TIMEOUT_SECONDS: "3",
      METRICS_POLL_ENABLED: "true",
    };
    const product = new Product(env);
    closing.push(() => product.end());
    const check = spawnSync([LAUNCHER, "check"], { cwd: product.directory, env: { PATH: process.env.PATH } });
    expect(check.stdout.toString()).not.toContain("Warning");
    expect(check.exitCode).toBe(0);
    await product.ready();

    const instances = new Set<string>();
    await until(async () => {
      const { status, body } = await request(product.port);
      expect(status).toBe(200);
      for (const name of ["backend-1", "backend-2", "backend-3"]) if (body.includes(name)) instances.add(name);
      return instances.size === 3;
    });
    await until(async () => (await product.status()).degraded.length === 0);
    await until(() => collector.spans().length > 0);
    await until(() => existsSync(join(logs, "access.log")) && readFileSync(join(logs, "access.log"), "utf8") !== "");
    await until(async () => (await product.metric("cluster_instances")) === 1);
    await until(async () => {
      const [{ count }] = await postgres.query<{ count: number }>(
        "SELECT count(*)::int FROM requests",
        database.database,
      );
      return count > 0;
    });
  });
});
