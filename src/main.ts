/** Where every process of the product begins. */

// A worker is started often (after a crash, at once): it loads the request path and nothing else. Likewise the others.
if (process.argv[2] === "worker") {
  const { runWorker } = await import("./proxy/worker.ts");
  await runWorker();
} else if (process.argv[2] === "learner") {
  const { runLearner } = await import("./learning/learner-process.ts");
  runLearner();
} else if (process.argv[2] === "recorder") {
  const { runRecorder } = await import("./recorder/recorder-process.ts");
  runRecorder();
} else if (process.argv[2] === "tracer") {
  const { runTracer } = await import("./tracer/tracer-process.ts");
  runTracer();
} else if (process.argv[2] === "acme") {
  const { runAcme } = await import("./acme/acme-process.ts");
  runAcme();
} else if (process.argv[2] === "inference") {
  const { runInference } = await import("./learning/models/inference/inference-process.ts");
  runInference();
} else if (process.argv[2] === "history-question") {
  const { runHistoryQuestion } = await import("./cli/stats/question-process.ts");
  await runHistoryQuestion();
} else if (process.argv[2] === "expectation") {
  const { runExpectation } = await import("./cli/expect/expectation-process.ts");
  await runExpectation();
} else if (process.argv[2] === "page-bundle") {
  const { runPageBundle } = await import("./dashboard/bundle/process.ts");
  await runPageBundle();
} else {
  const { runCommandLine } = await import("./cli/program.ts");
  await runCommandLine(process.argv);
}

// Without an import at the top, this makes the file a module, in which `await` may stand here.
export {};
