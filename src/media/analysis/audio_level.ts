/** The loudness of sound as webrtc-stats has it: the level of the last piece, and the energy of all. */
export class AudioLevelMeter {
  /** 0 to 1, root mean square; 1 stands for 0 dBov. */
  level = 0;
  /** Seconds times squared level, summed. */
  energy = 0;

  /** @param count samples of all channels, the first in `pcm` */
  add(pcm: Int16Array, count: number, seconds: number): void {
    if (count === 0) return;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += pcm[i] * pcm[i];
    const power = sum / count / 32768 ** 2;
    this.level = Math.sqrt(power);
    this.energy += seconds * power;
  }
}
