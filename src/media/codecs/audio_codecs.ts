import type { AudioDecoderFactory, AudioEncoderFactory } from "./audio_codec.js";
import type { AudioCodecName } from "./codec_name.js";
import { pcmaDecoder, pcmaEncoder, pcmuDecoder, pcmuEncoder } from "./g711.js";
import { libopusDecoder, libopusEncoder } from "./libopus.js";
import { Registry } from "./registry.js";

/** The encoders of this thread. */
export const audioEncoders = new Registry<AudioCodecName, AudioEncoderFactory>("encoder", [
  libopusEncoder,
  pcmuEncoder,
  pcmaEncoder,
]);
/** The decoders of this thread. */
export const audioDecoders = new Registry<AudioCodecName, AudioDecoderFactory>("decoder", [
  libopusDecoder,
  pcmuDecoder,
  pcmaDecoder,
]);
