/** RFC 6464 §3: digital silence. */
export const SILENCE = 127;
/** A source that says nothing about voices says so of every sound that is no silence. */
const VOICE = 0x80;
/** Fainter than this is background. */
const VOICE_DBOV = 50;

/**
 * The level of 16-bit samples as the header extension writes it (RFC 6464 §3): their mean power below the loudest possible, in dB, and
 * a bit for what may be a voice.
 */
export function audioLevelOf(pcm: Int16Array): number {
  let energy = 0;
  for (let i = 0; i < pcm.length; i++) energy += pcm[i] * pcm[i];
  if (energy === 0) return SILENCE;
  const dbov = -10 * Math.log10(energy / pcm.length / (32768 * 32768));
  const level = Math.min(SILENCE, Math.max(0, Math.round(dbov)));
  return level < VOICE_DBOV ? level | VOICE : level;
}
