import { expect, test } from "bun:test";
import { ErrorCode } from "../../../../src/proxy/http2/error-codes.ts";
import { PeerSettings, SettingId } from "../../../../src/proxy/http2/settings.ts";

function apply(settings: PeerSettings, ...entries: [id: number, value: number][]): ErrorCode {
  const bytes = Buffer.alloc(2 + entries.length * 6);
  entries.forEach(([id, value], i) => {
    bytes.writeUInt16BE(id, 2 + i * 6);
    bytes.writeUInt32BE(value, 4 + i * 6);
  });
  return settings.apply(bytes, 2, bytes.length);
}

test("what a peer says holds, the last word of it", () => {
  const settings = new PeerSettings();
  const { HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE } = SettingId;
  const { MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL } = SettingId;
  const error = apply(
    settings,
    [HEADER_TABLE_SIZE, 1],
    [HEADER_TABLE_SIZE, 0xffff_ffff],
    [ENABLE_PUSH, 0],
    [MAX_CONCURRENT_STREAMS, 0],
    [INITIAL_WINDOW_SIZE, 0x7fff_ffff],
    [MAX_FRAME_SIZE, 16_777_215],
    [MAX_HEADER_LIST_SIZE, 9],
    [ENABLE_CONNECT_PROTOCOL, 1],
    [0x99, 5],
  );
  expect(error).toBe(ErrorCode.NO_ERROR);
  expect({ ...settings }).toEqual({
    headerTableSize: 0xffff_ffff,
    leastHeaderTableSize: 1,
    enablePush: false,
    maxConcurrentStreams: 0,
    initialWindowSize: 0x7fff_ffff,
    maxFrameSize: 16_777_215,
    maxHeaderListSize: 9,
    enableConnectProtocol: true,
  });
});

test.each([
  ["a push that is neither on nor off", SettingId.ENABLE_PUSH, 2, ErrorCode.PROTOCOL_ERROR],
  ["a window that is too large", SettingId.INITIAL_WINDOW_SIZE, 0x8000_0000, ErrorCode.FLOW_CONTROL_ERROR],
  ["frames that are too small", SettingId.MAX_FRAME_SIZE, 16_383, ErrorCode.PROTOCOL_ERROR],
  ["frames that are too large", SettingId.MAX_FRAME_SIZE, 16_777_216, ErrorCode.PROTOCOL_ERROR],
  ["a CONNECT that is neither on nor off", SettingId.ENABLE_CONNECT_PROTOCOL, 2, ErrorCode.PROTOCOL_ERROR],
])("%s is refused", (_, id, value, error) => {
  expect(apply(new PeerSettings(), [id, value])).toBe(error);
});

test("extended CONNECT is not taken back", () => {
  const settings = new PeerSettings();
  const id = SettingId.ENABLE_CONNECT_PROTOCOL;
  expect(apply(settings, [id, 0], [id, 1])).toBe(ErrorCode.NO_ERROR);
  expect(apply(settings, [id, 0])).toBe(ErrorCode.PROTOCOL_ERROR);
});

test("a table that shrank within a frame is known to have been small, until the next one", () => {
  const settings = new PeerSettings();
  const sizes = () => [settings.leastHeaderTableSize, settings.headerTableSize];
  apply(settings, [SettingId.HEADER_TABLE_SIZE, 0], [SettingId.HEADER_TABLE_SIZE, 8192]);
  expect(sizes()).toEqual([0, 8192]);
  apply(settings, [SettingId.INITIAL_WINDOW_SIZE, 5]);
  expect(sizes()).toEqual([8192, 8192]);
  apply(settings, [SettingId.HEADER_TABLE_SIZE, 9000]);
  expect(sizes()).toEqual([8192, 9000]);
});
