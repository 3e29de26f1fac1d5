import { MediaError } from "../media_error.js";
import type { AudioSourceSpec } from "../source_spec.js";
import type { AudioSource } from "./audio_source.js";
import { SilentSource, ToneSource } from "./tone_source.js";
import { WavFileSource } from "./wav_file.js";

/** Opens what a spec names; undefined for "none". Throws MediaError saying which file and why. */
export function openAudioSource(spec: AudioSourceSpec): AudioSource | undefined {
  switch (spec.kind) {
    case "none":
      return undefined;
    case "tone":
      return new ToneSource(spec.frequencyHz, spec.channels);
    case "null":
      return new SilentSource();
    case "file":
      return openWav(spec.path, spec.loop);
  }
}

function openWav(path: string, loop: boolean): AudioSource {
  try {
    return new WavFileSource(path, loop);
  } catch (error) {
    if (error instanceof MediaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MediaError("SOURCE_FAILED", `sound file ${path}: ${reason}`, { cause: error });
  }
}
