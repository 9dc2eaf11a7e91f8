/** Settings of learned balancing, and of the server that offers models to others. */

import { optional, setting } from "../setting.ts";
import { listenHost } from "../values/addresses.ts";
import { decimal, integer, milliseconds, path, port, seconds, text, toggle, valueType } from "../values/value-types.ts";

const modelEndpoint = valueType("http:// or https:// URL", (value): string => {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:") || /\s/.test(value)) {
    throw new Error("must be the URL of a model server, such as http://model-server:8081");
  }
  if (url.username !== "" || url.password !== "") throw new Error("must hold no user name and no password");
  if (url.search !== "" || url.hash !== "") throw new Error('must end with its path: without "?" and "#"');
  return url.href;
});

/** The files of a model made elsewhere: for `serve`, which routes by it, and for `model-server`, which offers it. */
export const modelFiles = {
  modelPath: optional({
    env: "MODEL_PATH",
    type: path,
    doc: "A model to use: a directory with load_balancer.onnx, scaler.json and inference_features.json, or the ONNX file itself. `serve` routes by it instead of by the model that it ships with; `model-server` offers it and loads it again when a file changes.",
  }),
  scalerPath: optional({
    env: "SCALER_PATH",
    type: path,
    doc: "The scaler of that model. Unset means scaler.json beside the ONNX file.",
  }),
  modelInputName: setting({
    env: "MODEL_INPUT_NAME",
    type: text,
    default: "features",
    doc: "Name of the model's input.",
  }),
  modelOutputName: setting({
    env: "MODEL_OUTPUT_NAME",
    type: text,
    default: "predicted_score",
    doc: "Name of the model's output.",
  }),
  modelVersion: optional({
    env: "MODEL_VERSION",
    type: text,
    doc: "What `model-server` calls its model's version. Unset means a part of the SHA-256 of its files. `serve` numbers its models itself.",
  }),
};

/** Learned balancing. */
export const ml = {
  title: "Learned balancing",
  doc: "For `LB_STRATEGY=ml`. `ARCHITECTURE.md` draws the life of a model.",
  settings: {
    learning: setting({
      env: "ML_LEARNING",
      type: toggle,
      default: "on",
      doc: "Learn from the traffic: keep samples, train models in the background, try them on a share of the requests, and promote what is better, all without being asked. `off` routes by the model that there is; it is guarded all the same, and models can be promoted by command.",
      givenTo: { learner: "learning" },
    }),
    trainIntervalMs: setting({
      env: "ML_TRAIN_INTERVAL_SECONDS",
      type: seconds(1, 86_400),
      default: "60",
      doc: "From one training to the next, at least, while no model is being tried. Trainings that gave nothing better make it longer, up to sixteen times.",
      givenTo: { learner: "trainIntervalMs" },
    }),
    canaryPercent: setting({
      env: "ML_CANARY_PERCENT",
      type: decimal(1, 50),
      default: "20",
      doc: "Share of the requests that a model on trial gets before it is promoted. Less takes longer to tell.",
    }),
    controlPercent: setting({
      env: "ML_CONTROL_PERCENT",
      type: decimal(0.5, 50),
      default: "5",
      doc: "Share of the requests that are always placed without the model, so that it is noticed when they fare better.",
    }),
    judgeSpeed: setting({
      env: "ML_JUDGE_SPEED",
      type: decimal(1, 100),
      default: "1",
      doc: "For tests and trials: how many times faster than usual the waiting times of a model's trial pass. Verdicts then rest on less of what traffic can be like; leave it at 1 where it matters.",
      givenTo: { learner: "judgeSpeed" },
    }),
    endpoint: optional({
      env: "ML_MODEL_ENDPOINT",
      type: modelEndpoint,
      doc: "A model server to ask for scores: POST /predict below this URL. Unset means a model in the balancer itself.",
    }),
    timeoutMs: setting({
      env: "ML_MODEL_TIMEOUT_MS",
      type: milliseconds(1, 60_000),
      default: "300",
      doc: "How long that server may take for a prediction. Requests never wait for it.",
    }),
    circuitBreakerResetMs: setting({
      env: "ML_CIRCUIT_BREAKER_RESET_SECONDS",
      type: seconds(0.1, 3600),
      default: "30",
      doc: "After several failures in a row that server is not asked for this long; then one prediction tries it.",
    }),
    cacheSize: setting({
      env: "ML_CACHE_SIZE",
      type: integer(0, 1_000_000),
      default: "1000",
      doc: "Scores of that server that are kept for a few seconds and used again for servers in the same state. 0 means off.",
    }),
    ...modelFiles,
  },
};

/** Where the model server listens. */
export const modelService = {
  title: "Model server",
  doc: "For `neurabalancer model-server` alone ([docs/model-server.md](model-server.md)). It also reads `MODEL_PATH` and the other settings of a model's files, `LOG_LEVEL`, `LOG_FORMAT` and `SHUTDOWN_TIMEOUT_SECONDS`.",
  settings: {
    host: setting({
      env: "ML_SERVICE_HOST",
      type: listenHost,
      default: "0.0.0.0",
      doc: "Address to listen on. `::` listens on IPv6 and IPv4. Balancers on other machines or in other containers ask it; 127.0.0.1 keeps it to this machine.",
    }),
    port: setting({
      env: "ML_SERVICE_PORT",
      type: port(0),
      default: "8081",
      doc: "Port to listen on. 0 takes any free port.",
    }),
  },
};
