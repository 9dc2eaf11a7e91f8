/**
 * What this product makes of the files of a model, as JSON for ml/tests: `bun scripts/model-scores.ts DIRECTORY`. The rows are
 * drawn around the scaler's means, the same each time; `null` is an input that is unknown.
 */
import { modelPaths, readModelFiles } from "../src/learning/models/files/model-files.ts";
import { loadModel } from "../src/learning/models/inference/load-model.ts";
import { randomRows } from "../test/support/networks.ts";

const ROWS = 200;

const files = readModelFiles(modelPaths(process.argv[2]));
const rows = randomRows(files, ROWS, 1);
const model = await loadModel(files);
const scores = await model.predict(rows.slice(), ROWS);
await model.release();
const { features, mean, scale } = files;
// NaN becomes null.
console.log(JSON.stringify({ features, mean, scale, rows: [...rows], scores: [...scores] }));
