import { native } from "../../../native/addon.js";
import { opusIsStereo, opusPacketSamples } from "../../protocol/opus/toc.js";
import type { AudioDecoderFactory, AudioEncoderFactory } from "./audio_codec.js";

/** RFC 7587 §4.1: whatever the input's rate. */
const CLOCK_RATE = 48_000;

export const libopusEncoder: AudioEncoderFactory = {
  name: "libopus",
  codec: "opus",
  // RFC 6716 §2.
  sampleRates: [48_000, 24_000, 16_000, 12_000, 8000],
  maxChannels: 2,
  clockRate: CLOCK_RATE,
  create: (request) => new native.OpusEncoder({ ...request, application: "voip" }),
};

export const libopusDecoder: AudioDecoderFactory = {
  name: "libopus",
  codec: "opus",
  sampleRate: 48_000,
  clockRate: CLOCK_RATE,
  maxChannels: 2,
  // 2.5 ms.
  step: 120,
  packetSamples: opusPacketSamples,
  isStereo: opusIsStereo,
  create: (channels) => new native.OpusDecoder({ sampleRate: 48_000, channels }),
};
