/** What a signaling connection carries: lines, JSON frames, and the session description inside. */
import assert from "node:assert/strict";
import { SignalingError } from "../../../src/signaling/errors.js";
import { decodeJson, encodeJson } from "../../../src/signaling/json_codec.js";
import {
  decodeLine,
  decodeValue,
  encodeLine,
  encodeValue,
  LineSplitter,
} from "../../../src/signaling/line_codec.js";
import { type MessageBy, TABLES, type Writer } from "../../../src/signaling/messages.js";
import { checkSession } from "../../../src/signaling/session_check.js";
import { bytesOf, type FuzzTarget, textOf, unlessRefused } from "../target.js";

const WRITERS: readonly Writer[] = ["client", "server"];

function linesOf(input: Uint8Array, pieceBytes: number): Uint8Array[] {
  const splitter = new LineSplitter(1024);
  const lines: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += pieceBytes) {
    for (const line of splitter.push(input.subarray(at, at + pieceBytes))) lines.push(Uint8Array.from(line));
  }
  return lines;
}

/** Both encodings carry the message as it is, and no value of it can forge a second line. */
function checkSameAgain<W extends Writer>(writer: W, message: MessageBy[W]): void {
  const line = unlessRefused(() => encodeLine(writer, message), SignalingError);
  if (line === undefined) return;
  assert.equal(line.indexOf(10), line.length - 1);
  assert.equal(line.includes(13), false);
  assert.deepEqual(decodeLine(writer, line.subarray(0, -1)), message);
  assert.deepEqual(decodeJson(writer, encodeJson(writer, message)), message);
}

function readWith(writer: Writer, input: Uint8Array): void {
  for (const message of [
    unlessRefused(() => decodeLine(writer, input), SignalingError),
    unlessRefused(() => decodeJson(writer, textOf(input)), SignalingError),
  ]) {
    if (message === undefined) continue;
    checkSameAgain(writer, message);
    if ("sdp" in message && message.sdp !== undefined) {
      const { sdp } = message;
      unlessRefused(() => checkSession(sdp, message.type), SignalingError);
    }
  }
}

const SDP =
  "v=0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=fingerprint:sha-256 AA:BB\r\n";

export const target: FuzzTarget = {
  name: "signaling",
  sources: [
    "src/signaling/line_codec.ts",
    "src/signaling/json_codec.ts",
    "src/signaling/messages.ts",
    "src/signaling/session_check.ts",
  ],
  words: [
    ...WRITERS.flatMap((writer) => Object.keys(TABLES[writer])),
    ...WRITERS.flatMap((writer) => Object.values(TABLES[writer]).flatMap((fields) => Object.keys(fields))),
    "|",
    ":",
    "%0A",
    "%",
    "AVAILABLE",
    "__proto__",
    "constructor",
  ],
  seeds: () => [
    ...[
      { type: "LOGIN", username: "anna", password: "p|%\r\nx" } as const,
      { type: "CALL_OFFER", to: "bert", sdp: SDP, callId: "c-1" } as const,
      { type: "CALL_ANSWER", to: "bert", accept: true, sdp: SDP } as const,
      {
        type: "ICE_CANDIDATE",
        to: "bert",
        candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host",
        sdpMLineIndex: 0,
      } as const,
    ].flatMap((message) => [
      Uint8Array.from(encodeLine("client", message)).subarray(0, -1),
      bytesOf(encodeJson("client", message)),
    ]),
    Uint8Array.from(
      encodeLine("server", { type: "USER_LIST", users: [{ username: "anna", status: "BUSY" }], more: true }),
    ),
    bytesOf(encodeJson("server", { type: "ERROR", code: "BAD_FIELD", message: "no", request: "LOGIN" })),
  ],
  run(input) {
    for (const writer of WRITERS) readWith(writer, input);
    const whole = unlessRefused(() => linesOf(input, Math.max(1, input.length)), SignalingError);
    const cut = unlessRefused(() => linesOf(input, 1 + ((input[0] ?? 0) % 9)), SignalingError);
    assert.deepEqual(cut, whole);
    const text = textOf(input);
    assert.equal(decodeValue(encodeValue(text)), text);
  },
};
