/**
 * The servers behind the proxies: one process, several ports, fixed answers by path (see `PATHS`). It checks the bodies
 * that it gets and counts its requests; `/echo` answers with the request's head, `/health` with 200.
 *
 * Arguments: how many ports. Speaks `FromBackend` to its parent; any message from the parent asks for the counts.
 */
import type { Socket } from "bun";
import { BAD_BODY, HEALTHY, NOT_FOUND, RESPONSES, response } from "./backend-responses.ts";
import type { FromBackend } from "./messages.ts";
import { type ReadRequest, RequestReader } from "./request-reader.ts";

interface State {
  readonly index: number;
  readonly reader: RequestReader;
  pending: Buffer | null;
}

const portCount = Number(process.argv[2] ?? 3);
const requests = new Array<number>(portCount).fill(0);
let broken = 0;

const tell = (message: FromBackend): void => void process.send?.(message);
const listeners = requests.map((_, index) =>
  Bun.listen<State>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { index, reader: new RequestReader(), pending: null };
      },
      data: (socket, data) => {
        const request = socket.data.reader.push(data);
        if (request !== null) send(socket, answer(request, socket.data));
      },
      drain: (socket) => {
        if (socket.data.pending !== null) send(socket, socket.data.pending);
      },
    },
  }),
);
process.on("message", () => tell({ type: "counts", requests, broken }));
process.on("disconnect", () => process.exit(0));
tell({ type: "listening", ports: listeners.map(({ port }) => port) });

function answer(request: ReadRequest, state: State): Buffer {
  const prepared = RESPONSES.get(request.path);
  if (prepared !== undefined) {
    requests[state.index]++;
    if (request.intact) return prepared;
    broken++;
    return BAD_BODY;
  }
  if (request.path === "/health") return HEALTHY;
  return request.path === "/echo" ? response("200 OK", request.head) : NOT_FOUND;
}

function send(socket: Socket<State>, data: Buffer): void {
  const taken = socket.write(data);
  socket.data.pending = taken >= 0 && taken < data.length ? data.subarray(taken) : null;
}
