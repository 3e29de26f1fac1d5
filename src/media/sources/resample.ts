/** Zero crossings of the sinc on each side of a sample. */
export const HALF_WIDTH = 16;

/**
 * Converts interleaved sound to another rate by a Hann-windowed sinc, band-limited to the lower of the two rates.
 * For files, at load: exact positions, no filter bank.
 */
export function resample(pcm: Int16Array, channels: number, fromRate: number, toRate: number): Int16Array {
  if (fromRate === toRate) return pcm;
  const frames = pcm.length / channels;
  const outFrames = Math.max(1, Math.round((frames * toRate) / fromRate));
  const out = new Int16Array(outFrames * channels);
  const cutoff = Math.min(1, toRate / fromRate);
  const reach = HALF_WIDTH / cutoff;
  const kernel = kernelTable();
  for (let i = 0; i < outFrames; i++) {
    const centre = (i * fromRate) / toRate;
    const first = Math.max(0, Math.ceil(centre - reach));
    const last = Math.min(frames - 1, Math.floor(centre + reach));
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let k = first; k <= last; k++) {
        const distance = Math.abs(centre - k) * cutoff;
        sum += pcm[k * channels + channel] * kernel[Math.round(distance * KERNEL_STEPS)];
      }
      out[i * channels + channel] = Math.max(-32768, Math.min(32767, Math.round(sum * cutoff)));
    }
  }
  return out;
}

/** Kernel values per zero crossing. */
export const KERNEL_STEPS = 1024;

export function kernelTable(): Float64Array {
  const table = new Float64Array(HALF_WIDTH * KERNEL_STEPS + 2);
  for (let i = 0; i < HALF_WIDTH * KERNEL_STEPS; i++) {
    const x = i / KERNEL_STEPS;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    table[i] = sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / HALF_WIDTH));
  }
  return table;
}
