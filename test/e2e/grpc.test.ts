/**
 * Calls of gRPC by programs that nobody here wrote: the client that gRPC's implementations are tested with, grpcurl and ghz, in
 * front of gRPC's own server. They are built where Go is at hand (`npm run build:grpc`); where they were not, there is nothing to
 * test with.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Daemon, type Outcome, run, Scratch } from "../support/processes.ts";
import { eventually } from "../support/until.ts";
import { type CertificateFiles, makeCertificates } from "./support/certificates.ts";
import { Product } from "./support/product.ts";

const PROGRAMS = join(import.meta.dir, "../../node_modules/.cache/grpc");
const HOST = "grpc.example.test";
const SERVICE = "grpc.testing.TestService";
const CALLS = 2000;
/** https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md, all that needs no account anywhere. */
const CASES = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "status_code_and_message",
  "special_status_message",
  "custom_metadata",
  "unimplemented_method",
  "unimplemented_service",
];

describe.skipIf(!existsSync(PROGRAMS))("gRPC's own programs", () => {
  const scratch = new Scratch();
  let servers: Daemon[] = [];
  let certificates: CertificateFiles;
  let product: Product;

  beforeAll(async () => {
    servers = [1, 2].map(() => new Daemon([join(PROGRAMS, "server")]));
    const ports = servers.map((server) => server.says(({ stdout }) => /port (\d+)/.exec(stdout)?.[1]));
    const urls = (await Promise.all(ports)).map((port) => `h2c://127.0.0.1:${port}`);
    certificates = makeCertificates(scratch.file("tls"), [HOST, "other.example.test"]);
    const settings = { ...certificates.settings, HEALTH_CHECK_TYPE: "grpc", LB_STRATEGY: "round_robin" };
    product = await Product.start(urls, { ...settings, HEALTH_CHECK_GRPC_SERVICE: SERVICE });
  });

  afterAll(async () => {
    await product?.stop();
    await Promise.all(servers.map((server) => server.stop()));
    scratch.remove();
  });

  const calls = (labels: string) => product.metric(new RegExp(`^neurabalancer_grpc_calls_total\\{.*${labels}`));

  describe.each(["in clear", "over TLS"])("%s", (way) => {
    const secure = way === "over TLS";
    const port = () => (secure ? product.tlsPort : product.port);
    const start = (name: string, args: readonly string[]): Promise<Outcome> =>
      run([join(PROGRAMS, name), ...args], { deadlineMs: 100_000 });

    /** grpcurl's options for where to connect. */
    const grpcurl = (args: readonly string[], rest: readonly string[]): Promise<Outcome> => {
      const tls = secure ? ["-cacert", certificates.caFile, "-authority", HOST] : ["-plaintext"];
      return start("grpcurl", [...tls, ...args, `127.0.0.1:${port()}`, ...rest]);
    };

    /** Of a call that ended well: the messages that came. */
    async function messages(data: string, method: string): Promise<unknown[]> {
      const { code, text, stderr } = await grpcurl(["-d", data, "-max-time", "60"], [method]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return JSON.parse(`[${text.replaceAll(/^\}\n\{/gm, "},{")}]`);
    }

    test.each(CASES)("the interoperability case %s", async (name) => {
      const tls = ["-use_tls", "-use_test_ca", `-ca_file=${certificates.caFile}`, `-server_host_override=${HOST}`];
      const args = ["-server_host=127.0.0.1", `-server_port=${port()}`, `-test_case=${name}`, ...(secure ? tls : [])];
      const { code, stderr } = await start("client", args);
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: expect.any(String) });
    });

    test("grpcurl finds by reflection, a stream both ways, what there is", async () => {
      const { code, text } = await grpcurl([], ["list"]);
      expect([code, text.split("\n").filter((line) => line !== "")]).toEqual([
        0,
        [
          "grpc.health.v1.Health",
          "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection",
          SERVICE,
        ],
      ]);
      expect((await grpcurl([], ["describe", `${SERVICE}.FullDuplexCall`])).text).toContain(
        "rpc FullDuplexCall ( stream .grpc.testing.StreamingOutputCallRequest )",
      );
    });

    test("grpcurl: one message, and streams of them", async () => {
      const payload = Buffer.alloc(5).toString("base64");
      expect(await messages('{"response_size": 5}', `${SERVICE}/UnaryCall`)).toEqual([{ payload: { body: payload } }]);
      const wanted = '{"response_parameters": [{"size": 5}, {"size": 5, "interval_us": 1000}]}';
      expect(await messages(wanted, `${SERVICE}/StreamingOutputCall`)).toEqual([
        { payload: { body: payload } },
        { payload: { body: payload } },
      ]);
      const two = `{"payload": {"body": "${payload}"}}{"payload": {"body": "${payload}"}}`;
      expect(await messages(two, `${SERVICE}/StreamingInputCall`)).toEqual([{ aggregatedPayloadSize: 10 }]);
      expect(await messages(wanted + wanted, `${SERVICE}/FullDuplexCall`)).toHaveLength(4);
    });

    test("grpcurl: health, of a service that serves, of one that does not, and of one that nobody knows", async () => {
      const check = "grpc.health.v1.Health/Check";
      expect(await messages(`{"service": "${SERVICE}"}`, check)).toEqual([{ status: "SERVING" }]);
      expect(await messages('{"service": "resting"}', check)).toEqual([{ status: "NOT_SERVING" }]);
      const { code, stderr } = await grpcurl(["-d", '{"service": "nobody"}'], [check]);
      expect([code, /Code: (\w+)/.exec(stderr)?.[1]]).toEqual([64 + 5, "NotFound"]);
    });

    test("grpcurl: statuses of servers, with what they say, and metadata both ways", async () => {
      const status = '{"response_status": {"code": 9, "message": "not äs it should be: 100 %"}}';
      const { code, stderr } = await grpcurl(["-d", status], [`${SERVICE}/UnaryCall`]);
      expect(code).toBe(64 + 9);
      expect(stderr).toContain("Code: FailedPrecondition\n  Message: not äs it should be: 100 %");
      const echoed = ["-v", "-H", "x-grpc-test-echo-initial: begun", "-H", "x-grpc-test-echo-trailing-bin: q80="];
      const { text } = await grpcurl([...echoed, "-d", "{}"], [`${SERVICE}/UnaryCall`]);
      expect(text).toMatch(/Response headers received:\n(.+\n)*x-grpc-test-echo-initial: begun\n/);
      expect(text).toMatch(/Response trailers received:\n(.+\n)*x-grpc-test-echo-trailing-bin: q80=?\n/);
    });

    test("grpcurl: its time is over", async () => {
      const late = '{"response_parameters": [{"size": 1, "interval_us": 60000000}]}';
      const { code, stderr } = await grpcurl(["-d", late, "-max-time", "3"], [`${SERVICE}/StreamingOutputCall`]);
      expect([code, /Code: (\w+)/.exec(stderr)?.[1]]).toEqual([64 + 4, "DeadlineExceeded"]);
    });

    test(`ghz: ${CALLS} calls over four connections, and not one fails`, async () => {
      const before = await calls('grpc_method="UnaryCall",grpc_status="0"');
      const tls = secure ? ["--cacert", certificates.caFile, "--cname", HOST] : ["--insecure"];
      const load = ["-n", `${CALLS}`, "-c", "20", "--connections", "4", "-t", "60s", "-d", '{"response_size": 100}'];
      const { code, text, stderr } = await start("ghz", [
        ...tls,
        ...load,
        ...["--call", `${SERVICE}.UnaryCall`, "-O", "json", `127.0.0.1:${port()}`],
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { count, statusCodeDistribution, errorDistribution } = JSON.parse(text);
      expect({ count, statusCodeDistribution, errorDistribution }).toEqual({
        count: CALLS,
        statusCodeDistribution: { OK: CALLS },
        errorDistribution: {},
      });
      // What was answered is counted a moment later.
      await eventually(async () => {
        expect((await calls('grpc_method="UnaryCall",grpc_status="0"')) - before).toBe(CALLS);
      });
    });
  });

  test("both servers had their part of the calls, not of the connections", async () => {
    const text = await (await fetch(`${product.url}/metrics`)).text();
    const responses = [...text.matchAll(/^neurabalancer_server_responses_total\{.*\} (\d+)/gm)].map(
      ([, count]) => +count,
    );
    expect(responses).toHaveLength(2);
    const [one, two] = responses;
    expect(Math.min(one, two)).toBeGreaterThan(0.4 * (one + two));
  });

  test("the product has nothing to complain of", () => {
    expect(product.complaints()).toEqual([]);
  });
});
