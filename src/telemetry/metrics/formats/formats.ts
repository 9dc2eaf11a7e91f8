/** The formats by their names. */
import type { ExpositionFormat } from "./format.ts";
import type { FormatName } from "./negotiation.ts";
import { OPENMETRICS } from "./openmetrics.ts";
import { PROMETHEUS_TEXT } from "./prometheus-text.ts";
import { PROTOBUF } from "./protobuf.ts";

/** All there are. */
export const FORMATS: Readonly<Record<FormatName, ExpositionFormat>> = {
  text: PROMETHEUS_TEXT,
  openmetrics: OPENMETRICS,
  protobuf: PROTOBUF,
};
