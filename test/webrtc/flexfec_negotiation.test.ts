import assert from "node:assert/strict";
import type { ReceiveStreamOptions, SendStreamOptions } from "../../src/media/transport_api.js";
import { createLocalTrack } from "../../src/webrtc/index.js";
import type { RTCSettings } from "../../src/webrtc/rtc_settings.js";
import { closeAll, connection, description } from "./fake_transport.js";

afterEach(closeAll);

/** A call about pictures; the descriptions, and what the ends send and expect. */
async function call(offerer: RTCSettings, answerer: RTCSettings) {
  const ends = [connection({}, offerer), connection({}, answerer)] as const;
  const sdp: string[] = [];
  for (const [i, { pc }] of ends.entries()) {
    if (i === 1) await pc.setRemoteDescription(description(ends[0].pc));
    pc.addTrack(createLocalTrack({ kind: "video" }));
    await pc.setLocalDescription();
    sdp.push(description(pc).sdp);
  }
  await ends[0].pc.setRemoteDescription(description(ends[1].pc));
  const streams = ends.map(({ engine }) => ({
    send: (engine.transport.called("addSendStream")[0] as [SendStreamOptions])[0],
    receive: (engine.transport.called("addReceiveStream")[0] as [ReceiveStreamOptions])[0],
  }));
  return { pcs: ends.map(({ pc }) => pc), sdp, streams };
}

describe("FlexFEC in descriptions (RFC 8627 §5.1, RFC 5956 §4.3)", () => {
  it("is answered where it is offered, with a source of its own on either side, and goes rather than ULPFEC", async () => {
    const { sdp, streams, pcs } = await call({ video: { flexfec: true } }, {});
    for (const [i, text] of sdp.entries()) {
      const [, payloadType] = /^a=rtpmap:(\d+) flexfec\/90000\r$/m.exec(text) ?? [];
      assert.match(text, new RegExp(`^a=fmtp:${payloadType} repair-window=\\d+\\r$`, "m"));
      const [, ssrc, paritySsrc] = /^a=ssrc-group:FEC-FR (\d+) (\d+)\r$/m.exec(text) ?? [];
      const { send } = streams[i];
      assert.deepEqual(send.flexfec, { ssrc: Number(paritySsrc), payloadType: Number(payloadType) });
      assert.deepEqual([send.ssrc, send.red], [Number(ssrc), undefined]);
      const { receive } = streams[1 - i];
      assert.deepEqual(receive.flexfec, { payloadType: Number(payloadType) });
      assert.deepEqual(receive.parities, [{ ssrc: Number(ssrc), repairSsrc: Number(paritySsrc) }]);
      assert.deepEqual(receive.ssrcs, [Number(ssrc)]);
    }
    // Who answered it offers it from then on.
    await pcs[1].setLocalDescription(await pcs[1].createOffer());
    assert.match(description(pcs[1]).sdp, /flexfec/);
  });

  it("is not offered by itself, nor answered where the settings say no", async () => {
    const silent = await call({}, {});
    assert.ok(silent.sdp.every((text) => !/flexfec|FEC-FR/.test(text)));
    const refused = await call({ video: { flexfec: true } }, { video: { flexfec: false } });
    assert.doesNotMatch(refused.sdp[1], /flexfec|FEC-FR/);
    assert.deepEqual(
      refused.streams.map(({ send }) => send.flexfec),
      [undefined, undefined],
    );
  });
});
