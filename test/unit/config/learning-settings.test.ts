import { describe, expect, test } from "bun:test";
import { loadModelServerConfig } from "../../../src/config/model-server.ts";
import { environmentSource } from "../../../src/config/sources/environment.ts";
import { configOf, load, problemsOf } from "../../support/configuration.ts";

describe("settings of learned balancing", () => {
  test("have the contract's defaults", () => {
    expect(configOf().ml).toMatchObject({
      endpoint: null,
      timeoutMs: 300,
      circuitBreakerResetMs: 30_000,
      cacheSize: 1000,
      modelPath: null,
      scalerPath: null,
      modelInputName: "features",
      modelOutputName: "predicted_score",
      modelVersion: null,
    });
  });

  test.each([
    ["http://model-server:8081", "http://model-server:8081/"],
    ["https://models.example/team/a", "https://models.example/team/a"],
    ["HTTP://[::1]:80/", "http://[::1]/"],
  ])("ML_MODEL_ENDPOINT=%s is %s", (text, url) => {
    expect(configOf({ ML_MODEL_ENDPOINT: text }).ml.endpoint).toBe(url);
  });

  test.each([
    ["model-server:8081", "must be the URL of a model server, such as http://model-server:8081"],
    ["ftp://model-server", "must be the URL of a model server"],
    ["http://user:secret@model-server", "must hold no user name and no password"],
    ["http://model-server/?a=1", 'must end with its path: without "?" and "#"'],
  ])("ML_MODEL_ENDPOINT=%s is wrong", (text, message) => {
    const [problem] = problemsOf({ ML_MODEL_ENDPOINT: text });
    expect(problem).toContain(message);
    expect(problem).not.toContain("secret");
  });

  test("a scaler without its model is told", () => {
    expect(load({ SCALER_PATH: "/s.json" }).warnings).toEqual([
      "SCALER_PATH has no effect: it belongs to the model of MODEL_PATH, which is not set",
    ]);
    expect(load({ SCALER_PATH: "/s.json", MODEL_PATH: "/m" }).warnings).toEqual([]);
  });

  test("those of the model server are no misspelt names", () => {
    expect(load({ ML_SERVICE_PORT: "8081", ML_SERVICE_HOST: "::" }).warnings).toEqual([]);
  });
});

describe("the model server's configuration", () => {
  const read = (env: Record<string, string>) => loadModelServerConfig([environmentSource(env)]);

  test("needs nothing, and takes nothing that is not its own", () => {
    expect(read({ SERVERS: "wrong", APP_PORT: "wrong" })).toEqual({
      ok: true,
      warnings: [],
      config: {
        service: { host: "0.0.0.0", port: 8081 },
        model: {
          modelPath: null,
          scalerPath: null,
          modelInputName: "features",
          modelOutputName: "predicted_score",
          modelVersion: null,
        },
        log: { level: "info", format: "json" },
        app: { shutdownTimeoutMs: 30_000 },
      },
    });
  });

  test("lists every problem at once", () => {
    const loaded = read({ ML_SERVICE_PORT: "x", LOG_LEVEL: "loud", ML_SERVICE_HOSTT: "h" });
    expect(loaded).toMatchObject({
      ok: false,
      problems: [
        expect.stringContaining('ML_SERVICE_PORT="x" (environment): must be a port'),
        expect.stringContaining("LOG_LEVEL"),
      ],
      warnings: ["ML_SERVICE_HOSTT (environment): is no setting; did you mean ML_SERVICE_HOST?"],
    });
  });

  test("is frozen", () => {
    const loaded = read({});
    expect(loaded.ok && Object.isFrozen(loaded.config.model)).toBe(true);
  });
});
