import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { native } from "../../../native/addon.js";
import type { EncodedFrame } from "../../../src/media/recording/encoded_frame.js";
import {
  partPath,
  type RecorderNotice,
  RecorderThread,
} from "../../../src/media/recording/recorder_thread.js";
import { parseRtp, RtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { RtpDumpReader } from "../../../src/protocol/rtpdump/rtpdump.js";
import { drawMoving, i420Bytes, i420Layout } from "../../native/pictures.js";
import { rtpFixture } from "../../protocol/rtp/payload_round_trip.js";
import { lastTime, probe } from "../../support/ffmpeg.js";

/** Second `second` of a sender: 25 pictures, the first a keyframe, and 50 packets of sound, in the order of their times. */
function second(
  second: number,
  wants: { size?: [number, number]; codec?: "H264" | "VP8"; sound?: boolean },
): EncodedFrame[] {
  const frames: EncodedFrame[] = [];
  if (wants.size !== undefined) frames.push(...pictures(second, wants.size, wants.codec ?? "H264"));
  if (wants.sound !== false) frames.push(...sound(second));
  return frames.sort((a, b) => a.arrivalUs - b.arrivalUs);
}

const encoded = new Map<string, { data: Uint8Array; keyframe: boolean }[]>();

/** A second of pictures, encoded once for each size and codec. */
function pictures(second: number, [width, height]: [number, number], codec: "H264" | "VP8"): EncodedFrame[] {
  const key = `${codec} ${width}x${height}`;
  const units = encoded.get(key) ?? encode(width, height, codec);
  encoded.set(key, units);
  return units.map(({ data, keyframe }, i) =>
    at("video", codec, data.slice(), keyframe, second * 1e6 + i * 40_000),
  );
}

function encode(
  width: number,
  height: number,
  codec: "H264" | "VP8",
): { data: Uint8Array; keyframe: boolean }[] {
  const common = { width, height, frameRate: 25, bitrateBps: 300_000 };
  const encoder =
    codec === "H264"
      ? new native.H264Encoder({ ...common, idrInterval: 0 })
      : new native.Vp8Encoder({ ...common, keyframeInterval: 0, speed: 12 });
  const image = new Uint8Array(i420Bytes(width, height));
  const out = new Uint8Array(1 << 18);
  const units = Array.from({ length: 25 }, (_, i) => {
    drawMoving(image, width, height, i);
    const bytes = encoder.encode(image, i420Layout(width, height), 1e6 + i * 40_000, i === 0, out);
    return { data: out.slice(0, bytes), keyframe: encoder.lastWasKeyframe };
  });
  encoder.close();
  return units;
}

const packets = [...new RtpDumpReader(rtpFixture("opus_20ms.rtpdump"))].map(({ data }) => {
  const header = new RtpHeader();
  assert.ok(parseRtp(data, 0, data.length, header));
  return data.slice(header.payloadOffset, header.payloadOffset + header.payloadLength);
});

function sound(second: number): EncodedFrame[] {
  return Array.from({ length: 50 }, (_, i) =>
    at("audio", "opus", packets[i % packets.length].slice(), false, second * 1e6 + i * 20_000),
  );
}

function at(
  kind: "audio" | "video",
  codec: EncodedFrame["codec"],
  data: Uint8Array,
  keyframe: boolean,
  timeUs: number,
): EncodedFrame {
  const rtpTimestamp = Math.round(timeUs * (kind === "video" ? 0.09 : 0.048)) >>> 0;
  return { kind, codec, data, keyframe, rtpTimestamp, captureWallUs: 1e15 + timeUs, arrivalUs: 1e6 + timeUs };
}

describe("a recording's files", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-recording-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Records through the recorder's own thread code; resolves with the files. */
  async function record(name: string, seconds: readonly EncodedFrame[][]): Promise<string[]> {
    const ending = name.split(".").pop() as "mp4" | "webm" | "mkv";
    const paths: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const tell = (notice: RecorderNotice) => {
        if (notice.type === "part") paths.push(notice.path);
        else if (notice.type === "failed") reject(new Error(notice.message));
        else resolve();
      };
      const task = { path: join(folder, name), container: ending, kinds: ["video", "audio"] as const };
      const thread = new RecorderThread(task, tell);
      const { port1, port2 } = new MessageChannel();
      thread.order({ type: "track", port: port1 });
      for (const frame of seconds.flat()) port2.postMessage(frame);
      port2.close();
      port1.once("close", () => thread.order({ type: "close" }));
    });
    return paths;
  }

  const streams = (path: string) =>
    probe(path).streams.map(({ codec_name, width, nb_read_frames }) =>
      [codec_name, width, Number(nb_read_frames)].filter((value) => value !== undefined),
    );

  for (const [name, codec] of [
    ["h264.mp4", "H264"],
    ["vp8.webm", "VP8"],
    ["h264.mkv", "H264"],
  ] as const)
    it(`${name}: every picture and packet, decoded by FFmpeg, over the same time`, async () => {
      const size: [number, number] = [160, 90];
      const seconds = [0, 1, 2].map((n) => second(n, { size, codec }));
      const [path, ...more] = await record(name, seconds);
      assert.deepEqual(more, []);
      assert.deepEqual(streams(path), [
        [codec.toLowerCase(), 160, 75],
        ["opus", 150],
      ]);
      assert.ok(Math.abs(lastTime(path) - 2.98) < 0.01);
    });

  it("another size, another codec: the next file, with what sounds meanwhile", async () => {
    const paths = await record("change.mkv", [
      second(0, { size: [160, 90] }),
      second(1, { size: [90, 160] }),
      second(2, { size: [90, 160], codec: "VP8" }),
    ]);
    assert.deepEqual(
      paths.map((path) => path.slice(folder.length + 1)),
      ["change.mkv", "change-2.mkv", "change-3.mkv"],
    );
    assert.deepEqual(paths.map(streams), [
      [
        ["h264", 160, 25],
        ["opus", 50],
      ],
      [
        ["h264", 90, 25],
        ["opus", 50],
      ],
      [
        ["vp8", 90, 25],
        ["opus", 50],
      ],
    ]);
  });

  it("a picture that pauses ends its file; the sound goes on in the next", async () => {
    const size: [number, number] = [160, 90];
    const paths = await record("pause.webm", [
      second(0, { size, codec: "VP8" }),
      ...[1, 2, 3, 4, 5].map((n) => second(n, {})),
      second(6, { size, codec: "VP8" }),
    ]);
    const counts = paths.map(streams);
    assert.equal(counts.length, 3);
    assert.deepEqual(counts[0][0], ["vp8", 160, 25]);
    assert.equal(counts[1].length, 1, "sound alone");
    assert.deepEqual(counts[2], [
      ["vp8", 160, 25],
      ["opus", 50],
    ]);
    const packetsOfSound = counts
      .flat()
      .reduce((sum, [name, n]) => sum + (name === "opus" ? Number(n) : 0), 0);
    assert.equal(packetsOfSound, 350);
  });

  it("sound that stops is filled with silence, so that the file grows on", async () => {
    const size: [number, number] = [160, 90];
    const seconds = [0, 1, 2, 3].map((n) => second(n, { size, codec: "VP8", sound: n === 0 }));
    const [path] = await record("silent.webm", seconds);
    const [[, , pictures], [, packets]] = streams(path);
    assert.equal(pictures, 100);
    assert.ok(Number(packets) >= 165, `${packets}`);
  });

  it("a track that never comes keeps no file waiting", async () => {
    const [path] = await record(
      "alone.mp4",
      [0, 1, 2, 3, 4].map((n) => second(n, { size: [160, 90], sound: false })),
    );
    assert.deepEqual(streams(path), [["h264", 160, 125]]);
  });

  it("are numbered before the ending", () => {
    assert.equal(partPath("/a.b/film.mp4", 1), "/a.b/film.mp4");
    assert.equal(partPath("/a.b/film.mp4", 3), "/a.b/film-3.mp4");
  });
});
