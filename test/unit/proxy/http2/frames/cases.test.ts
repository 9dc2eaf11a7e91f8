/** Frames that others have written down: http2-frame-test-case. */
import { expect, test } from "bun:test";
import cases from "../../../../fixtures/http2-frame-test-case/cases.json";
import { END_HEADERS, frame, readIn, Type } from "./support.ts";

/** What may be said of a frame there. */
interface Payload {
  readonly data?: string;
  readonly header_block_fragment?: string;
  readonly padding_length?: number | null;
  readonly error_code?: number;
  readonly last_stream_id?: number;
  readonly opaque_data?: string;
  readonly window_size_increment?: number;
  readonly settings?: readonly (readonly [id: number, value: number])[];
}

/** What stands before it on a connection, and behind it: no block begins in the middle, and none is left open. */
function around(type: number, flags: number, streamId: number): [before: Buffer, after: Buffer] {
  const open = type === Type.HEADERS || type === Type.CONTINUATION ? (flags & END_HEADERS) === 0 : false;
  const before = type === Type.CONTINUATION ? frame(Type.HEADERS, 0, streamId, "<") : Buffer.alloc(0);
  return [before, open ? frame(Type.CONTINUATION, END_HEADERS, streamId, ">") : Buffer.alloc(0)];
}

function linesOf(type: number, flags: number, streamId: number, payload: Payload): string[] {
  const padding = payload.padding_length == null ? 0 : payload.padding_length + 1;
  switch (type) {
    case Type.DATA: {
      const data = payload.data ?? "";
      return [`data ${streamId}${(flags & 1) === 0 ? "" : " end"} ${data.length + padding} ${data}`];
    }
    case Type.HEADERS:
    case Type.CONTINUATION: {
      const block = `${type === Type.HEADERS ? "" : "<"}${payload.header_block_fragment}`;
      return [`headers ${streamId} ${block}${(flags & END_HEADERS) === 0 ? ">" : ""}`];
    }
    case Type.PRIORITY:
      return ["idle 2"];
    case Type.RST_STREAM:
      return [`reset ${streamId} ${payload.error_code}`];
    case Type.SETTINGS: {
      const entries = (payload.settings ?? []).map(([id, value]) => {
        return id.toString(16).padStart(4, "0") + value.toString(16).padStart(8, "0");
      });
      return [`settings ${entries.join("")}`];
    }
    case Type.PUSH_PROMISE:
      return ["connection error 1: PUSH_PROMISE is not allowed"];
    case Type.PING:
      return [`ping ${payload.opaque_data}`];
    case Type.GOAWAY:
      return [`goaway ${payload.last_stream_id} ${payload.error_code}`];
    default:
      return [`window ${streamId} ${payload.window_size_increment}`];
  }
}

test.each(cases.map((each) => [each.name, each] as const))("%s", (_, { wire, error, frame: said }) => {
  const bytes = Buffer.from(wire, "hex");
  if (said !== null) {
    const [before, after] = around(said.type, said.flags, said.stream_identifier);
    const lines = linesOf(said.type, said.flags, said.stream_identifier, said.frame_payload as Payload);
    const all = Buffer.concat([before, bytes, after]);
    expect(readIn(all)).toEqual(lines);
    for (let size = 1; size < all.length; size++) expect(readIn(all, size)).toEqual(lines);
  } else {
    const last = readIn(bytes).at(-1);
    expect(
      error
        ?.map((code) => `error ${code}`)
        .some((code) => last?.replace(/stream error \d+/, "stream error").includes(code)),
    ).toBe(true);
  }
});

test("there are all of them", () => {
  expect(cases.length).toBe(34);
});
