/** A soft two-tone ring while somebody calls, made by the browser itself. */

const BEAT_SECONDS = 2.4;
let context: AudioContext | null = null;
let timer = 0;

function ringOnce(audio: AudioContext): void {
  for (const [index, frequency] of [523, 659].entries()) {
    const start = audio.currentTime + index * 0.28;
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.06, start + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.0005, start + 0.5);
    tone.connect(gain).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.55);
  }
}

export function startRinging(): void {
  stopRinging();
  const audio = new AudioContext();
  context = audio;
  ringOnce(audio);
  timer = window.setInterval(() => ringOnce(audio), BEAT_SECONDS * 1000);
}

export function stopRinging(): void {
  clearInterval(timer);
  context?.close().catch(() => {});
  context = null;
}
