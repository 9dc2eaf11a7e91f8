/** Metrics of calls of gRPC, by method, over all workers. */
import { GRPC_ROWS, GRPC_STATUSES, readGrpcCalls } from "../../shared/memory/grpc-table.ts";
import { Header } from "../../shared/memory/layout/shared-memory.ts";
import type { MetricDefinition, MetricGroup } from "./definition.ts";
import type { MetricsSource } from "./source.ts";

const OTHERS = "other";

const calls: MetricDefinition<MetricsSource> = {
  name: "grpc_calls_total",
  type: "counter",
  help: "Calls of gRPC that ended, by service, method and `grpc-status`, ours among them; `none` = it ended without one.",
  labels: ["grpc_service", "grpc_method", "grpc_status"],
  *collect({ memory }, emit) {
    const blocks = memory.workers.slice(0, memory.header[Header.WORKER_BLOCKS]);
    for (const { service, method, counts } of readGrpcCalls(blocks)) {
      for (let status = 0; status < GRPC_STATUSES; status++) {
        if (counts[status] === 0) continue;
        emit(counts[status], {
          grpc_service: service || OTHERS,
          grpc_method: method || OTHERS,
          grpc_status: status === GRPC_STATUSES - 1 ? "none" : `${status}`,
        });
      }
      yield;
    }
  },
};

/** What is said of calls of gRPC. */
export const grpcMetrics: MetricGroup<MetricsSource> = {
  title: "gRPC",
  doc: `A method has series of its own once a server has answered a call of it with a status other than 12 (\`UNIMPLEMENTED\`); each worker knows ${GRPC_ROWS - 1} methods at most. All other calls are \`other\`: their names are whatever clients write.`,
  metrics: [calls],
};
