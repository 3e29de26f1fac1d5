/** STUN and ChannelData out of a byte stream: the frames don't depend on where the stream was cut. */
import assert from "node:assert/strict";
import { decodeStun, encodeStun, StunMessage, textAttribute } from "../../../src/protocol/stun/index.js";
import {
  decodeChannelData,
  encodeChannelData,
  looksLikeChannelData,
  TurnStreamFramer,
} from "../../../src/protocol/turn/index.js";
import type { FuzzTarget } from "../target.js";

function framesOf(input: Uint8Array, pieceBytes: number): { frames: Uint8Array[]; broken: boolean } {
  const framer = new TurnStreamFramer();
  const frames: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += pieceBytes)
    frames.push(...framer.push(input.subarray(at, at + pieceBytes)));
  return { frames, broken: framer.broken };
}

function checkFrame(frame: Uint8Array): void {
  if (!looksLikeChannelData(frame)) {
    const message = decodeStun(frame);
    if (message instanceof StunMessage)
      assert.equal(
        message.attributes.every(({ length }) => length >= 0),
        true,
      );
    return;
  }
  const channel = decodeChannelData(frame);
  assert.ok(channel !== undefined, "the framer cut a frame that is none");
  const again = encodeChannelData(channel.channel, channel.data, false);
  assert.deepEqual(again, frame);
}

export const target: FuzzTarget = {
  name: "turn_stream",
  sources: ["src/protocol/turn/stream_framer.ts", "src/protocol/turn/channel_data.ts"],
  maxBytes: 4096,
  seeds: () => {
    const stun = encodeStun({
      method: 3,
      messageClass: 0,
      transactionId: new Uint8Array(12),
      attributes: [textAttribute(0x8022, "soft")],
    });
    const data = encodeChannelData(0x4001, new Uint8Array(33).fill(7), true);
    return [
      stun,
      data,
      Uint8Array.of(...stun, ...data, ...stun),
      encodeChannelData(0x4fff, new Uint8Array(0), true),
    ];
  },
  run(input) {
    const whole = framesOf(input, Math.max(1, input.length));
    const cut = framesOf(input, 1 + ((input[0] ?? 0) % 7));
    assert.deepEqual(cut, whole);
    assert.ok(whole.frames.reduce((sum, frame) => sum + frame.length, 0) <= input.length);
    whole.frames.forEach(checkFrame);
    decodeChannelData(input);
  },
};
