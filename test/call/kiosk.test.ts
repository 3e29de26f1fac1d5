/** One that answers by itself for years: call after call, whatever becomes of callers and of the server. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pass } from "node:timers/promises";
import { DecodedLayout, native } from "../../native/addon.js";
import type { PeerReport } from "../../src/client/report.js";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { splitAccessUnits } from "../../src/media/sources/h264_file.js";
import { parseWav } from "../../src/media/sources/wav_file.js";
import { readY4mHeader } from "../../src/media/sources/y4m_file.js";
import { probe } from "../support/ffmpeg.js";
import { tonesIn } from "../support/tones.js";
import { type Command, Desk, set, startServer, Y4M_FRAME_BYTES } from "./roomrtc.js";

const CALLER_TAG = 0xca11;

describe("a kiosk (roomrtc client --auto-answer)", function () {
  this.timeout(120_000);
  let desk: Desk;
  let serving: Desk;
  /** Of a server that outlives the tests. */
  let address: string;

  before(async () => {
    serving = new Desk();
    ({ address } = await startServer(serving));
  });
  after(() => serving.clear());
  beforeEach(() => {
    desk = new Desk();
  });
  afterEach(() => desk.clear());

  async function kiosk(at: string, ...words: string[]): Promise<Command> {
    const command = desk.client(at, "kiosk", "--auto-answer", ...words);
    await command.line(/^logged in as kiosk/);
    return command;
  }

  it("answers call after call, also after a caller that was killed in the middle", async () => {
    const answering = await kiosk(address);
    // Whether a picture came in so short a time is the machine's affair: the status says so.
    const ana = await desk.client(address, "ana", "--call", "kiosk", "--seconds", "0.3").ended;
    assert.equal(ana.stdout, "");
    assert.match(ana.stderr, /ending: time\ncall with kiosk ended \(HANGUP\): hung up\n$/);
    await answering.line(/^call with ana ended \(REMOTE_HANGUP\)/);

    const bob = desk.client(address, "bob", "--call", "kiosk");
    await bob.line(/^in a call with kiosk/);
    bob.process.kill("SIGKILL");
    await answering.line(/^call with bob ended \(PEER_LOST\)/);

    const eve = await desk.callUntilSeen(address, "eve", "--json");
    assert.equal(eve.status, 0, eve.stderr);
    const report = JSON.parse(eve.stdout) as PeerReport;
    assert.deepEqual([report.ok, report.code, report.peer], [true, "HANGUP", "kiosk"]);
    assert.ok(report.received.video.framesDecoded > 0);
    answering.process.kill("SIGTERM");
    assert.equal((await answering.ended).status, 0);
  });

  /** In all parts of call.mkv: on a busy machine the picture may come late, in a part of its own. */
  function recordedFormats(cut: boolean): string[] {
    const parts = readdirSync(desk.folder).filter((name) => /^call.*\.mkv$/.test(name));
    return parts.flatMap((name) =>
      probe(desk.path(name), { cut }).streams.map(({ codec_name }) => codec_name),
    );
  }

  it("says unstable when nothing arrives, stable when it does again, and ends the call after the limit", async () => {
    const limits = set({ "rtcp.unstable_after_millis": 400, "rtcp.receive_limit_millis": 5000 });
    const answering = await kiosk(address, "--record", "call.mkv", ...limits);
    const ana = desk.client(address, "ana", "--call", "kiosk");
    await answering.line(/^in a call with ana/);
    // Silence counts from the first media on.
    while (!recordedFormats(true).includes("h264")) await pass(100);
    ana.process.kill("SIGSTOP");
    await answering.line(/^notice: call with ana is unstable: nothing arrives/);
    ana.process.kill("SIGCONT");
    await answering.line(/^notice: call with ana is stable again/);
    ana.process.kill("SIGSTOP");
    const end = await answering.line(/^call with ana ended/);
    assert.match(
      end,
      /ended \(CONNECTION_FAILED\): the media connection failed: .* \(ERR_TRANSPORT_SILENT\)$/,
    );
    assert.deepEqual([...new Set(recordedFormats(false))].sort(), ["h264", "opus"]);
  });

  it("connects again when the server comes back, and takes calls", async () => {
    const first = await startServer(desk);
    const answering = await kiosk(first.address);
    first.command.process.kill("SIGTERM");
    await answering.line(/^notice: signaling lost: .*; trying again/);
    await first.command.ended;
    await startServer(desk, ...set({ "server.server_client_addr": first.address }));
    await answering.line(/^notice: signaling is back: logged in as kiosk/);
    const ana = await desk.callUntilSeen(first.address, "ana");
    assert.equal(ana.status, 0, ana.stderr);
  });

  it("gives up with status 1 when another server stands in its place", async () => {
    const first = await startServer(desk);
    const answering = await kiosk(first.address);
    first.command.process.kill("SIGTERM");
    await first.command.ended;
    const files = { "server.server_private_key_file": "k.pem", "server.server_certification_file": "c.pem" };
    await startServer(desk, ...set({ ...files, "server.server_client_addr": first.address }));
    const { status, stderr } = await answering.ended;
    assert.equal(status, 1);
    assert.match(
      stderr,
      /roomrtc: signaling given up: the certificate of .* has changed .* \(FINGERPRINT_CHANGED\)/,
    );
  });

  describe("--record", () => {
    /** The call lasts until enough stands in the file, however long that takes. */
    async function record(file: string, isEnough: (bytes: Buffer) => boolean): Promise<Buffer> {
      const answering = await kiosk(address, "--record", file);
      const ana = desk.client(
        address,
        "ana",
        "--call",
        "kiosk",
        ...["--tag", String(CALLER_TAG), "--audio", "tone:700"],
      );
      await ana.line(/^in a call with kiosk/);
      while (!isEnough(readFileSync(desk.path(file)))) await pass(50);
      ana.process.kill("SIGINT");
      const { status, stderr } = await ana.ended;
      assert.equal(status, 0, stderr);
      answering.process.kill("SIGTERM");
      assert.equal((await answering.ended).status, 0);
      return readFileSync(desk.path(file));
    }

    it("keeps the caller's pictures in a .y4m at the configured rate", async () => {
      const bytes = await record("call.y4m", ({ length }) => length > 16 * Y4M_FRAME_BYTES);
      const { width, height, frameRate, headerBytes } = readY4mHeader(bytes, "call.y4m");
      assert.deepEqual([width, height, frameRate], [320, 180, 30]);
      const frameBytes = 6 + (width * height * 3) / 2;
      assert.equal((bytes.length - headerBytes) % frameBytes, 0, "whole frames");
      const frames = (bytes.length - headerBytes) / frameBytes;
      assert.ok(frames >= 15, `${frames} frames`);
      for (const frame of [0, frames >> 1, frames - 1]) {
        const at = headerBytes + frame * frameBytes;
        assert.equal(bytes.toString("latin1", at, at + 6), "FRAME\n");
        assert.equal(readBlockCode(bytes, width, height, width, 1, at + 6)?.tag, CALLER_TAG);
      }
    });

    it("keeps the caller's stream in a .h264 that decodes from its first byte", async () => {
      const bytes = await record("call.h264", (soFar) => splitAccessUnits(soFar).length > 2 * 16);
      const decoder = new native.H264Decoder();
      const picture = new Uint8Array(640 * 360 * 2);
      const layout = new Int32Array(DecodedLayout.words);
      const bounds = splitAccessUnits(bytes);
      const tags = new Set<number | undefined>();
      for (let i = 0; i + 1 < bounds.length; i += 2) {
        const length = decoder.decode(bytes.subarray(bounds[i], bounds[i + 1]), picture, layout);
        assert.ok(length >= 0, `access unit ${i / 2} decodes`);
        if (length === 0) continue;
        const { width, height, strideY, offsetY } = DecodedLayout;
        tags.add(
          readBlockCode(picture, layout[width], layout[height], layout[strideY], 1, layout[offsetY])?.tag,
        );
      }
      decoder.close();
      assert.ok(bounds.length / 2 >= 15, `${bounds.length / 2} access units`);
      assert.deepEqual([...tags], [CALLER_TAG]);
    });

    it("keeps the caller's sound in a .wav", async () => {
      const { sampleRate, channels, pcm } = parseWav(
        await record("call.wav", ({ length }) => length > 48_000 * 2),
        "call.wav",
      );
      assert.equal(sampleRate, 48_000);
      // A busy machine skips sound in places; some of it was played as it was sent.
      const tones = tonesIn(pcm, channels);
      assert.ok(
        tones.some((hz) => Math.abs(hz - 700) < 10),
        `${tones.map(Math.round)} Hz`,
      );
    });
  });
});
