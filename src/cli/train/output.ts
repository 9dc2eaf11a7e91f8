/** What a training leaves in a directory. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeModelFiles } from "../../learning/models/files/model-files.ts";
import type { Network } from "../../learning/models/network.ts";
import { reportPage } from "../../training/report/html.ts";
import type { SimulationReport } from "../../training/simulation/train-from-simulation.ts";
import type { StoreReport } from "../../training/store/train-from-store.ts";

/** Makes the directory if it is missing: before minutes of work rather than after them. Throws when it cannot be made. */
export function makeOutput(directory: string): void {
  mkdirSync(directory, { recursive: true });
}

/** Writes the model's three files, `report.json` and `report.html`. */
export function writeTraining(directory: string, network: Network, report: SimulationReport | StoreReport): void {
  writeModelFiles(directory, network);
  writeFileSync(join(directory, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(directory, "report.html"), reportPage(report));
}
