import type { AudioEncoderFactory } from "./audio_codec.js";
import type { AudioCodecName } from "./codec_name.js";
import { libopusEncoder } from "./libopus.js";
import { Registry } from "./registry.js";

/** The encoders of this thread. */
export const audioEncoders = new Registry<AudioCodecName, AudioEncoderFactory>("encoder", [libopusEncoder]);
