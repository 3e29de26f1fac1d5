import { native } from "../../../native/addon.js";
import type { AudioEncoderFactory } from "./audio_codec.js";

export const libopusEncoder: AudioEncoderFactory = {
  name: "libopus",
  codec: "opus",
  // RFC 6716 §2.
  sampleRates: [48_000, 24_000, 16_000, 12_000, 8000],
  maxChannels: 2,
  // RFC 7587 §4.1: whatever the input's rate.
  clockRate: 48_000,
  create: (request) => new native.OpusEncoder({ ...request, application: "voip" }),
};
