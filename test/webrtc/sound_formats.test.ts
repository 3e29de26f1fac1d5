import assert from "node:assert/strict";
import type { ReceiveStreamOptions, SendStreamOptions } from "../../src/media/transport_api.js";
import { createLocalTrack, RTCRtpSender } from "../../src/webrtc/index.js";
import type { RTCSettings } from "../../src/webrtc/rtc_settings.js";
import { closeAll, connection, description, negotiate } from "./fake_transport.js";

afterEach(closeAll);

/** What we send to a peer whose answer was edited so. */
async function sent(edit: (sdp: string) => string, settings: RTCSettings = {}): Promise<SendStreamOptions> {
  const { pc, engine } = connection({}, settings);
  const { pc: peer } = connection();
  pc.addTrack(createLocalTrack({ kind: "audio" }));
  await pc.setLocalDescription();
  await peer.setRemoteDescription(description(pc));
  await peer.setLocalDescription();
  const { sdp } = description(peer);
  await pc.setRemoteDescription({ type: "answer", sdp: edit(sdp) });
  return engine.transport.called("addSendStream")[0][0] as SendStreamOptions;
}

describe("formats of sound (RFC 7874)", () => {
  it("offers Opus, then G.711, comfort noise and telephone events at both clock rates", async () => {
    const { pc } = connection();
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    const { sdp } = description(pc);
    assert.match(sdp, /^m=audio \d+ UDP\/TLS\/RTP\/SAVPF 111 63 0 8 13 110 126\r$/m);
    assert.match(sdp, /^a=rtpmap:63 red\/48000\/2\r\na=fmtp:63 111\/111\r$/m);
    assert.match(sdp, /^a=rtpmap:110 telephone-event\/48000\r$/m);
    assert.match(sdp, /^a=rtpmap:126 telephone-event\/8000\r$/m);
    assert.match(sdp, /^a=fmtp:126 0-15\r$/m);
    const names = RTCRtpSender.getCapabilities("audio")?.codecs.map(({ mimeType }) => mimeType);
    assert.deepEqual(
      [...new Set(names)],
      ["audio/opus", "audio/red", "audio/PCMU", "audio/PCMA", "audio/CN", "audio/telephone-event"],
    );
  });

  it("sends RED where it is preferred to Opus, by either side, and takes it always (RFC 2198)", async () => {
    const red = ({ mimeType }: { mimeType: string }) => (mimeType === "audio/red" ? 0 : 1);
    /** What the offerer and the answerer send. */
    const streams = async (offererPrefers: boolean, answererPrefers: boolean) => {
      const ends = [connection(), connection()] as const;
      const prefers = [offererPrefers, answererPrefers];
      for (const [i, { pc }] of ends.entries()) {
        if (i === 1) await pc.setRemoteDescription(description(ends[0].pc));
        pc.addTrack(createLocalTrack({ kind: "audio" }));
        const codecs = RTCRtpSender.getCapabilities("audio")?.codecs ?? [];
        if (prefers[i])
          pc.getTransceivers()[0].setCodecPreferences(codecs.toSorted((a, b) => red(a) - red(b)));
        await pc.setLocalDescription();
      }
      await ends[0].pc.setRemoteDescription(description(ends[1].pc));
      for (const { engine } of ends) {
        const [receive] = engine.transport.called("addReceiveStream")[0] as [ReceiveStreamOptions];
        assert.deepEqual(receive.red, { payloadType: 63 });
      }
      return ends.map(
        ({ engine }) => (engine.transport.called("addSendStream")[0] as [SendStreamOptions])[0],
      );
    };
    for (const [offerer, answerer] of [
      [true, false],
      [false, true],
    ]) {
      for (const stream of await streams(offerer, answerer)) {
        assert.deepEqual([stream.payloadType, stream.codec, stream.red], [111, "opus", { payloadType: 63 }]);
      }
    }
    for (const stream of await streams(false, false)) assert.equal(stream.red, undefined);
    // RED of something that was not agreed is nothing.
    assert.equal((await sent((sdp) => sdp.replace("a=fmtp:63 111/111", "a=fmtp:63 99/99"))).red, undefined);
    const { pc } = connection({}, { audio: { red: false } });
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    assert.doesNotMatch(description(pc).sdp, /red/);
  });

  it("offers what the settings say", async () => {
    const audio = { codecs: ["PCMA"], telephoneEvent: false, comfortNoise: false } as const;
    const { pc } = connection({}, { audio });
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    assert.match(description(pc).sdp, /^m=audio \d+ UDP\/TLS\/RTP\/SAVPF 8\r$/m);
    assert.throws(() => connection({}, { audio: { codecs: ["G729"] } } as never), /audio\.codecs/);
  });

  it("refuses a section that offers nothing but telephone events", async () => {
    const { pc } = connection();
    const { pc: peer } = connection();
    pc.addTrack(createLocalTrack({ kind: "audio" }));
    await pc.setLocalDescription();
    const sdp = description(pc)
      .sdp.replace(" 111 63 0 8 13 110 126", " 126")
      .replace(/^a=(rtpmap|fmtp|rtcp-fb):(111|63|0|8|13|110)\b.*\r\n/gm, "");
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription();
    assert.match(description(peer).sdp, /^m=audio 0 /m);
  });

  it("sends what stands first, with events at its own clock rate", async () => {
    const opus = await sent((sdp) => sdp);
    assert.deepEqual([opus.codec, opus.clockRate, opus.telephoneEvent], ["opus", 48_000, 110]);
    const g711 = await sent((sdp) => sdp, { audio: { codecs: ["PCMU"] } });
    assert.deepEqual([g711.codec, g711.payloadType, g711.telephoneEvent], ["PCMU", 0, 126]);
    const none = await sent((sdp) => sdp, { audio: { telephoneEvent: false } });
    assert.equal(none.telephoneEvent, undefined);
  });

  it("sends sound as the peer wants it: stereo, redundancy, silence, bitrate, length of packets", async () => {
    const fmtp = (line: string) => (sdp: string) => sdp.replace(/^a=fmtp:111 .*$/m, `a=fmtp:111 ${line}`);
    assert.equal((await sent((sdp) => sdp)).sound, undefined);
    assert.deepEqual((await sent(fmtp("stereo=1;usedtx=1;useinbandfec=1;maxaveragebitrate=20000"))).sound, {
      channels: 2,
      dtx: true,
      maxBitrateBps: 20_000,
    });
    assert.deepEqual((await sent(fmtp("minptime=10"))).sound, { fec: false });
    const ptime = (lines: string) => (sdp: string) => sdp.replace(/^(a=rtpmap:111 .*\r\n)/m, `${lines}$1`);
    assert.deepEqual((await sent(ptime("a=ptime:40\r\n"))).sound, { frameUs: 40_000 });
    assert.deepEqual((await sent(ptime("a=ptime:50\r\na=maxptime:30\r\n"))).sound, { frameUs: 20_000 });
    assert.deepEqual((await sent(ptime("a=maxptime:10\r\n"))).sound, { frameUs: 10_000 });
  });

  it("takes the first meaning of a header extension's id where an offer gives it two, as aiortc does", async () => {
    const { pc } = connection();
    for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }));
    await pc.setLocalDescription();
    const [session, audio, video] = description(pc).sdp.split(/^(?=m=)/m);
    const level = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    const sendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    const only = (section: string, uri: string) =>
      `${section.replace(/^a=extmap:.*\r\n/gm, "")}a=extmap:2 ${uri}\r\n`;
    const { pc: peer } = connection({}, { headerExtensions: [level, sendTime] });
    await peer.setRemoteDescription({
      type: "offer",
      sdp: session + only(audio, level) + only(video, sendTime),
    });
    await peer.setLocalDescription();
    const extensions = description(peer).sdp.match(/^a=extmap:.*$/gm);
    assert.deepEqual(extensions, [`a=extmap:2 ${level}`]);
  });

  it("takes telephone events of the peer", async () => {
    const { pc, engine } = connection();
    const { pc: peer } = connection();
    const { receiver } = pc.addTransceiver("audio");
    peer.addTransceiver("audio");
    await negotiate(pc, peer);
    const heard = new Promise<string>((resolve) => {
      receiver.track.addEventListener("tone" as never, ({ tone }: { tone: string }) => resolve(tone));
    });
    engine.transport.emit("tone", { mid: "0", event: 99 });
    engine.transport.emit("tone", { mid: "0", event: 10 });
    assert.equal(await heard, "*");
  });
});
