/**
 * Reads the protobuf format by the schema of prometheus/client_model (its published numbers and types of fields, below), with a
 * decoder that is not ours.
 */
import { create, createFileRegistry, type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

const PACKAGE = "io.prometheus.client";
const { UINT64, SINT64, INT64, UINT32, SINT32, INT32, DOUBLE, STRING } = Type;

/** Fields by message: name, number, type, and whether there are many. */
const SCHEMA: Record<string, readonly (readonly [string, number, Type | string, "many"?])[]> = {
  LabelPair: [
    ["name", 1, STRING],
    ["value", 2, STRING],
  ],
  Gauge: [["value", 1, DOUBLE]],
  Counter: [
    ["value", 1, DOUBLE],
    ["exemplar", 2, "Exemplar"],
  ],
  Quantile: [
    ["quantile", 1, DOUBLE],
    ["value", 2, DOUBLE],
  ],
  Summary: [
    ["sample_count", 1, UINT64],
    ["sample_sum", 2, DOUBLE],
    ["quantile", 3, "Quantile", "many"],
  ],
  Histogram: [
    ["sample_count", 1, UINT64],
    ["sample_sum", 2, DOUBLE],
    ["bucket", 3, "Bucket", "many"],
    ["schema", 5, SINT32],
    ["zero_threshold", 6, DOUBLE],
    ["zero_count", 7, UINT64],
    ["positive_span", 12, "BucketSpan", "many"],
    ["positive_delta", 13, SINT64, "many"],
  ],
  Bucket: [
    ["cumulative_count", 1, UINT64],
    ["upper_bound", 2, DOUBLE],
    ["exemplar", 3, "Exemplar"],
  ],
  BucketSpan: [
    ["offset", 1, SINT32],
    ["length", 2, UINT32],
  ],
  Exemplar: [
    ["label", 1, "LabelPair", "many"],
    ["value", 2, DOUBLE],
    ["timestamp", 3, "Timestamp"],
  ],
  Timestamp: [
    ["seconds", 1, INT64],
    ["nanos", 2, INT32],
  ],
  Metric: [
    ["label", 1, "LabelPair", "many"],
    ["gauge", 2, "Gauge"],
    ["counter", 3, "Counter"],
    ["summary", 4, "Summary"],
    ["histogram", 7, "Histogram"],
  ],
  MetricFamily: [
    ["name", 1, STRING],
    ["help", 2, STRING],
    ["type", 3, INT32],
    ["metric", 4, "Metric", "many"],
  ],
};

const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: "metrics.proto",
    package: PACKAGE,
    syntax: "proto2",
    messageType: Object.entries(SCHEMA).map(([name, fields]) => ({
      name,
      field: fields.map(([field, number, type, many]) => ({
        name: field,
        number,
        label: many ? Label.REPEATED : Label.OPTIONAL,
        type: typeof type === "string" ? Type.MESSAGE : type,
        ...(typeof type === "string" && { typeName: `.${PACKAGE}.${type}` }),
      })),
    })),
  }),
  () => undefined,
);

/** Messages as the decoder gives them: what is not set has its default. */
export interface LabelPair {
  readonly name: string;
  readonly value: string;
}
export interface ExemplarMessage {
  readonly label: readonly LabelPair[];
  readonly value: number;
  readonly timestamp?: { readonly seconds: bigint; readonly nanos: number };
}
export interface HistogramMessage {
  readonly sampleCount: bigint;
  readonly sampleSum: number;
  readonly bucket: readonly {
    readonly cumulativeCount: bigint;
    readonly upperBound: number;
    readonly exemplar?: ExemplarMessage;
  }[];
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: bigint;
  readonly positiveSpan: readonly { readonly offset: number; readonly length: number }[];
  readonly positiveDelta: readonly bigint[];
}
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: number;
  readonly metric: readonly {
    readonly label: readonly LabelPair[];
    readonly gauge?: { readonly value: number };
    readonly counter?: { readonly value: number; readonly exemplar?: ExemplarMessage };
    readonly summary?: {
      readonly sampleCount: bigint;
      readonly sampleSum: number;
      readonly quantile: readonly { readonly quantile: number; readonly value: number }[];
    };
    readonly histogram?: HistogramMessage;
  }[];
}

const FAMILY = registry.getMessage(`${PACKAGE}.MetricFamily`) as DescMessage;

/** All families of an exposition. Throws on what the schema does not have. */
export function readFamilies(exposition: Uint8Array): readonly MetricFamily[] {
  const families: MetricFamily[] = [];
  const reader = new BinaryReader(exposition);
  while (reader.pos < reader.len) {
    const family = fromBinary(FAMILY, reader.bytes());
    refuseUnknown(family);
    families.push(family as unknown as MetricFamily);
  }
  return families;
}

function refuseUnknown(message: Message): void {
  if (message.$unknown?.length) throw new Error(`${message.$typeName} has no field ${message.$unknown[0].no}`);
  for (const value of Object.values(message)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === "object" && each !== null && "$typeName" in each) refuseUnknown(each as Message);
    }
  }
}

/** Counts of native buckets by their index. */
export function nativeCounts({ positiveSpan, positiveDelta }: HistogramMessage): Map<number, number> {
  const counts = new Map<number, number>();
  let index = 0;
  let at = 0;
  let count = 0n;
  for (const { offset, length } of positiveSpan) {
    index += offset;
    for (let i = 0; i < length; i++) {
      count += positiveDelta[at++];
      counts.set(index++, Number(count));
    }
  }
  if (at !== positiveDelta.length) throw new Error("there are more deltas than the spans have room for");
  return counts;
}
