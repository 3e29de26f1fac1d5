import assert from "node:assert/strict";
import { ReceiveStream } from "../../src/media/session/receive_stream.js";
import { ReceiveStreams } from "../../src/media/session/receive_streams.js";
import { ReceiveCounters } from "../../src/media/session/stream_counters.js";
import type { ReceiveStreamOptions } from "../../src/media/transport_api.js";
import { HeaderExtensionWriter } from "../../src/protocol/rtp/extension_writer.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../src/protocol/rtp/rtp_header.js";

const ids = { mid: 1, rid: 2, repairedRid: 3 };
const VP8 = 96;
const RTX = 97;

function stream(streamId: number, options: Partial<ReceiveStreamOptions>): ReceiveStream {
  return new ReceiveStream(
    streamId,
    {
      kind: "video",
      mid: "v",
      payloadTypes: [{ payloadType: VP8, codec: "VP8", clockRate: 90_000 }],
      rtx: [{ payloadType: RTX, repeats: VP8 }],
      ssrcs: [],
      extensions: ids,
      nack: true,
      localSsrc: 1,
      reducedSizeRtcp: true,
      ...options,
    },
    new Float64Array(ReceiveCounters.words),
  );
}

function streams(...made: ReceiveStream[]): ReceiveStreams {
  const all = new ReceiveStreams();
  for (const each of made) all.add(each);
  return all;
}

type Says = Partial<Record<keyof typeof ids, string>>;

/** The stream of a packet with these extensions. */
function find(all: ReceiveStreams, ssrc: number, says: Says, payloadType = VP8): number | undefined {
  const extensions = new HeaderExtensionWriter();
  for (const name of ["mid", "rid", "repairedRid"] as const) {
    const text = says[name];
    if (text !== undefined) extensions.addBytes(ids[name], new TextEncoder().encode(text));
  }
  const bytes = new Uint8Array(1200);
  const fields = { marker: true, payloadType, sequenceNumber: 1, timestamp: 2, ssrc };
  const length = writeRtpHeader(bytes, 0, fields, extensions) + 100;
  const header = new RtpHeader();
  assert.ok(parseRtp(bytes, 0, length, header));
  return all.find(bytes, header)?.streamId;
}

const layers = () =>
  streams(
    stream(1, { layer: "h", rid: "h" }),
    stream(2, { layer: "l", rid: "l" }),
    stream(3, { mid: "other" }),
  );

describe("which stream a packet is of (RFC 8843 §9.2, RFC 8852)", () => {
  it("is said by mid and rid together, and remembered for the source", () => {
    const all = layers();
    assert.equal(find(all, 10, { mid: "v", rid: "l" }), 2);
    assert.equal(find(all, 10, {}), 2, "browsers say it only until they hear of us");
    assert.equal(find(all, 11, { mid: "v", rid: "h" }), 1);
    assert.equal(find(all, 12, { mid: "other", rid: "h" }), 3);
  });

  it("of a retransmission is that of the layer it repeats", () => {
    const all = layers();
    assert.equal(find(all, 20, { mid: "v", repairedRid: "l" }, RTX), 2);
    assert.equal(find(all, 21, { mid: "v", rid: "x", repairedRid: "h" }, RTX), 1);
    assert.equal(find(all, 22, { mid: "v", rid: "h" }, RTX), 1, "some call it so");
    assert.equal(find(all, 23, { mid: "v", repairedRid: "l" }), undefined, "no retransmission");
  });

  it("is nobody's when the rid lies, in name or in length, or the mid is no section's", () => {
    const all = layers();
    for (const rid of ["", "hh", "H", "h\0", "h".repeat(255)]) {
      assert.equal(find(all, 30, { mid: "v", rid }), undefined, JSON.stringify(rid));
    }
    assert.equal(find(all, 30, { mid: "v" }), undefined, "which layer?");
    assert.equal(find(all, 30, { mid: "w", rid: "h" }), undefined);
    assert.equal(
      find(all, 30, { mid: "v", rid: "h" }),
      1,
      "what was found out is not held against the source",
    );
  });

  it("is that which the payload type names alone, unless the packet names another", () => {
    const all = streams(
      stream(1, {
        mid: "a",
        payloadTypes: [{ payloadType: 100, codec: "H264", clockRate: 90_000 }],
        rtx: [],
      }),
      stream(2, { mid: "v" }),
    );
    assert.equal(find(all, 40, {}, 100), 1, "a peer from before mids");
    assert.equal(find(all, 41, {}, RTX), 2);
    assert.equal(find(all, 42, { mid: "gone" }, 100), undefined);
    assert.equal(find(all, 43, {}, 35), undefined);
    const both = streams(stream(1, { mid: "a" }), stream(2, {}));
    assert.equal(find(both, 44, {}), undefined, "two take that payload type");
  });

  it("of announced sources is said by the description alone", () => {
    const all = streams(
      stream(1, { layer: "0", ssrcs: [50], repairs: [{ ssrc: 50, repairSsrc: 51 }] }),
      stream(2, { layer: "1", ssrcs: [52] }),
    );
    assert.equal(find(all, 50, { mid: "v" }), 1);
    assert.equal(find(all, 51, { mid: "v" }, RTX), 1);
    assert.equal(find(all, 52, {}), 2);
    assert.equal(find(all, 53, { mid: "v" }), undefined);
  });

  it("has room for the layers of many sections, and for their repetitions", () => {
    const all = new ReceiveStreams();
    for (let i = 0; i < 64; i++) all.add(stream(i, { mid: `${i >> 2}`, layer: `${i & 3}`, rid: `${i & 3}` }));
    const says = (i: number) => ({ mid: `${i >> 2}`, rid: `${i & 3}` });
    for (let i = 0; i < 64; i++) {
      assert.equal(find(all, 1000 + i, says(i)), i);
      assert.equal(find(all, 2000 + i, { mid: `${i >> 2}`, repairedRid: `${i & 3}` }, RTX), i);
    }
    for (let i = 0; i < 64; i++)
      assert.deepEqual([find(all, 1000 + i, {}), find(all, 2000 + i, {}, RTX)], [i, i]);
  });

  it("is forgotten in a flood of sources, but for those that were announced or flow", () => {
    const all = streams(stream(1, { ssrcs: [60] }), stream(2, { mid: "w" }));
    for (let ssrc = 1000; ssrc < 2000; ssrc++) assert.equal(find(all, ssrc, { mid: "w" }), 2);
    assert.equal(find(all, 60, {}), 1);
    assert.ok(!all.full);
  });
});
