/** The numbers of a call, once a second, from getStats. */

export interface StatisticsRow {
  readonly label: string;
  readonly sent: string;
  readonly received: string;
}

interface Counters {
  readonly timestamp: number;
  readonly bytes: number;
}

type Entry = Record<string, unknown>;

const NONE = "–";
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

function bitrate(bitsPerSecond: number | undefined): string {
  if (bitsPerSecond === undefined) return NONE;
  return bitsPerSecond >= 1e6
    ? `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}
const milliseconds = (seconds: unknown): string => {
  const value = number(seconds);
  return value === undefined ? NONE : `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
};
const frames = (value: unknown): string =>
  number(value) === undefined ? NONE : `${Math.round(value as number)} fps`;
const size = (entry: Entry | undefined): string =>
  number(entry?.frameWidth) === undefined ? NONE : `${entry?.frameWidth} × ${entry?.frameHeight}`;
const percent = (fraction: number | undefined): string =>
  fraction === undefined ? NONE : `${(fraction * 100).toFixed(1)} %`;

/** Lost of all that was expected so far, 0 to 1. */
function lossOf(entry: Entry | undefined): number | undefined {
  const lost = number(entry?.packetsLost);
  const received = number(entry?.packetsReceived);
  if (lost === undefined || received === undefined || lost + received <= 0) return undefined;
  return Math.max(0, lost) / (lost + received);
}

export class Statistics {
  readonly #last = new Map<string, Counters>();

  constructor(private readonly connection: RTCPeerConnection) {}

  async read(): Promise<StatisticsRow[]> {
    const report = await this.connection.getStats();
    const entries: Entry[] = [];
    report.forEach((entry: Entry) => {
      entries.push(entry);
    });
    const find = (type: string, kind: string): Entry | undefined =>
      entries.find((entry) => entry.type === type && entry.kind === kind);
    const pair = entries.find(
      (entry) => entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded",
    );
    const [videoOut, videoIn] = [find("outbound-rtp", "video"), find("inbound-rtp", "video")];
    const [audioOut, audioIn] = [find("outbound-rtp", "audio"), find("inbound-rtp", "audio")];
    const [videoReport, audioReport] = [
      find("remote-inbound-rtp", "video"),
      find("remote-inbound-rtp", "audio"),
    ];
    const codec = (entry: Entry | undefined): string => {
      const found = entries.find(({ id }) => id !== undefined && id === entry?.codecId);
      return String(found?.mimeType ?? NONE).replace(/^\w+\//, "");
    };
    const row = (label: string, sent: string, received: string): StatisticsRow => ({ label, sent, received });
    const roundTrip = milliseconds(pair?.currentRoundTripTime);
    return [
      row("Video", bitrate(this.#rate(videoOut, "bytesSent")), bitrate(this.#rate(videoIn, "bytesReceived"))),
      row("Audio", bitrate(this.#rate(audioOut, "bytesSent")), bitrate(this.#rate(audioIn, "bytesReceived"))),
      row("Picture", size(videoOut), size(videoIn)),
      row("Frame rate", frames(videoOut?.framesPerSecond), frames(videoIn?.framesPerSecond)),
      row("Video codec", codec(videoOut), codec(videoIn)),
      row("Video loss", percent(number(videoReport?.fractionLost)), percent(lossOf(videoIn))),
      row("Audio loss", percent(number(audioReport?.fractionLost)), percent(lossOf(audioIn))),
      row("Video jitter", milliseconds(videoReport?.jitter), milliseconds(videoIn?.jitter)),
      row("Audio jitter", milliseconds(audioReport?.jitter), milliseconds(audioIn?.jitter)),
      row("Round trip", roundTrip, roundTrip),
    ];
  }

  /** Bits per second of a byte counter since the last reading. */
  #rate(entry: Entry | undefined, field: string): number | undefined {
    const bytes = number(entry?.[field]);
    const timestamp = number(entry?.timestamp);
    if (entry === undefined || bytes === undefined || timestamp === undefined) return undefined;
    const last = this.#last.get(String(entry.id));
    if (last !== undefined && last.timestamp === timestamp) return undefined;
    this.#last.set(String(entry.id), { timestamp, bytes });
    return last === undefined ? undefined : ((bytes - last.bytes) * 8000) / (timestamp - last.timestamp);
  }
}
