import assert from "node:assert/strict";
import {
  type ReceiveStreamOptions,
  type SendLimits,
  type SendStreamOptions,
  streamKey,
} from "../../src/media/transport_api.js";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import { createLocalTrack, nonstandard, type RTCRtpSender } from "../../src/webrtc/index.js";
import { closeAll, connection, description, negotiate, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

const sendEncodings = [
  { rid: "h" },
  { rid: "m", scaleResolutionDownBy: 2 },
  { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 100_000 },
];

/** An answer that takes these layers. */
function taking(list: string) {
  const lines = list.split(";").map((rid) => `a=rid:${rid.replace("~", "")} recv\r\n`);
  return (sdp: string) => `${withoutLayers(sdp)}${lines.join("")}a=simulcast:recv ${list}\r\n`;
}

function withoutLayers(sdp: string): string {
  return sdp.replace(/a=(rid|simulcast):.*\r\n/g, "");
}

function rids(sender: RTCRtpSender) {
  return sender.getParameters().encodings.map(({ rid }) => rid);
}

async function sending(answer: (sdp: string) => string) {
  const { pc, engine } = connection();
  const { pc: peer } = connection();
  const { sender } = pc.addTransceiver(createLocalTrack({ kind: "video" }), {
    direction: "sendonly",
    sendEncodings,
  });
  await negotiate(pc, peer, answer);
  const streams = engine.transport.called("addSendStream").map(([given]) => given as SendStreamOptions);
  return { pc, peer, engine, sender, streams };
}

/** A peer's offer to take layers, from one of ours. */
async function offerToTake(list: string): Promise<string> {
  const { pc } = connection();
  pc.addTransceiver("video", { direction: "recvonly" });
  await pc.setLocalDescription();
  return taking(list)(description(pc).sdp);
}

describe("sending simulcast (WebRTC 1.0 §5.1, §5.2; RFC 8853)", () => {
  it("offers a layer for each encoding, without sources", async () => {
    const { pc } = connection();
    pc.addTransceiver("video", { sendEncodings });
    const { sdp } = await pc.createOffer();
    const [media] = parseSdp(sdp ?? "").media;
    assert.equal(media.simulcast, "send h;m;l");
    assert.deepEqual(
      media.rids.map(({ id, direction }) => `${id} ${direction}`),
      ["h send", "m send", "l send"],
    );
    assert.deepEqual(media.sources, []);
    assert.ok(media.extensions.some(({ uri }) => uri.endsWith("sdes:repaired-rtp-stream-id")));
  });

  it("scales by powers of two, the last the whole picture, unless told otherwise; keeps four at most", () => {
    const { pc } = connection();
    const scales = (encodings: object[]) =>
      pc
        .addTransceiver("video", { sendEncodings: encodings })
        .sender.getParameters()
        .encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy);
    assert.deepEqual(scales([{ rid: "a" }, { rid: "b" }, { rid: "c" }]), [4, 2, 1]);
    assert.deepEqual(scales([{ rid: "a" }, { rid: "b", scaleResolutionDownBy: 3 }]), [1, 3]);
    assert.deepEqual(scales(["a", "b", "c", "d", "e", "f"].map((rid) => ({ rid }))), [8, 4, 2, 1]);
    assert.deepEqual(scales([{ rid: "a" }]), [1]);
  });

  it("sends the layers that the answer takes, each with sources of its own, lower ones first", async () => {
    const { streams, sender } = await sending(taking("h;m;l"));
    assert.deepEqual(
      streams.map(({ mid, layer }) => `${mid} ${layer}`),
      ["0 h", "0 m", "0 l"],
    );
    const ssrcs = streams.flatMap(({ ssrc, rtx }) => [ssrc, rtx?.ssrc]);
    assert.equal(new Set(ssrcs).size, 6);
    assert.ok(streams.every(({ extensions }) => extensions.rid && extensions.repairedRid));
    const lowest = { scaleResolutionDownBy: 4, maxBitrateBps: 100_000 };
    const below: SendLimits["below"][] = [[lowest, { scaleResolutionDownBy: 2 }], [lowest], []];
    assert.deepEqual(
      streams.map(({ limits }) => limits?.below),
      below,
    );
    assert.deepEqual(rids(sender), ["h", "m", "l"]);
  });

  it("forgets what the answer leaves out, for good", async () => {
    const { pc, peer, streams, sender } = await sending(taking("h;l"));
    assert.deepEqual(
      streams.map(({ layer }) => layer),
      ["h", "l"],
    );
    assert.deepEqual(rids(sender), ["h", "l"]);
    await negotiate(pc, peer, taking("h;m;l"));
    assert.deepEqual(rids(sender), ["h", "l"], "an answer adds nothing");
    assert.equal(parseSdp(description(pc).sdp).media[0].simulcast, "send h;l");
  });

  it("pauses in descriptions change nothing here, nor does what is inactive show in them", async () => {
    const { pc, peer, streams, sender } = await sending(taking("h;~l"));
    assert.equal(streams.length, 2);
    const parameters = sender.getParameters();
    assert.ok(parameters.encodings.every(({ active }) => active));
    parameters.encodings[0].active = false;
    await sender.setParameters(parameters);
    await negotiate(pc, peer, taking("h;l"));
    assert.equal(parseSdp(description(pc).sdp).media[0].simulcast, "send h;l");
    assert.deepEqual(
      sender.getParameters().encodings.map(({ active }) => active),
      [false, true],
    );
  });

  it("sends the first alone to who takes no layers; its name stays, the others are gone for good", async () => {
    const { pc, peer, streams, sender } = await sending(withoutLayers);
    assert.deepEqual(
      streams.map(({ layer, limits }) => [layer, limits]),
      [[undefined, undefined]],
    );
    assert.deepEqual(rids(sender), ["h"]);
    await negotiate(pc, peer, taking("h;m;l"));
    assert.deepEqual(rids(sender), ["h"]);
  });

  it("a change that an answer overtakes holds for the layers that the answer leaves", async () => {
    const { pc } = connection();
    const { pc: peer } = connection();
    const { sender } = pc.addTransceiver("video", { sendEncodings });
    await pc.setLocalDescription();
    await peer.setRemoteDescription(description(pc));
    await peer.setLocalDescription();
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) encoding.scaleResolutionDownBy = 8;
    const answer = { type: "answer", sdp: taking("h;l")(description(peer).sdp) } as const;
    await Promise.all([pc.setRemoteDescription(answer), sender.setParameters(parameters)]);
    assert.deepEqual(
      sender.getParameters().encodings.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]),
      [
        ["h", 8],
        ["l", 8],
      ],
    );
  });

  it("takes numbers for names, as Web IDL converts them", async () => {
    const { pc } = connection();
    const { sender } = pc.addTransceiver("video", { sendEncodings: [{ rid: 0 }, { rid: 1 }] as never });
    assert.deepEqual(rids(sender), ["0", "1"]);
  });

  it("sends the first alone to who can't tell layers apart", async () => {
    const noExtension = (sdp: string) => taking("h;m;l")(sdp).replace(/a=extmap:.*rtp-stream-id\r\n/g, "");
    const { streams } = await sending(noExtension);
    assert.deepEqual(
      streams.map(({ layer }) => layer),
      [undefined],
    );
  });

  it("setParameters goes for each layer by itself, and can't rename, reorder or add", async () => {
    const { engine, sender } = await sending(taking("h;m;l"));
    const parameters = sender.getParameters();
    parameters.encodings[0].active = false;
    parameters.encodings[1].maxBitrate = 300_000;
    await sender.setParameters(parameters);
    assert.deepEqual(engine.transport.called("removeSendStream"), [["0/h"]]);
    const [[key, limits]] = engine.transport.called("limitSendStream");
    assert.equal(key, "0/m");
    assert.equal((limits as SendLimits).maxBitrateBps, 300_000);
    for (const edit of [
      (p: typeof parameters) => p.encodings.reverse(),
      (p: typeof parameters) => p.encodings.push({ rid: "x" }),
      (p: typeof parameters) => p.encodings.pop(),
    ]) {
      const changed = sender.getParameters();
      edit(changed);
      await rejectsWith(() => sender.setParameters(changed), "InvalidModificationError");
    }
  });

  it("makes the layers that an offer asks for, and answers with them", async () => {
    const { pc, engine } = connection();
    const sender = pc.addTrack(createLocalTrack({ kind: "video" }));
    await pc.setRemoteDescription({ type: "offer", sdp: await offerToTake("a;b") });
    assert.deepEqual(
      sender.getParameters().encodings.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]),
      [
        ["a", 2],
        ["b", 1],
      ],
    );
    await pc.setLocalDescription();
    assert.equal(parseSdp(description(pc).sdp).media[0].simulcast, "send a;b");
    assert.deepEqual(
      engine.transport.called("addSendStream").map(([given]) => (given as SendStreamOptions).layer),
      ["a", "b"],
    );
  });

  it("a rollback takes the proposed layers back", async () => {
    const { pc } = connection();
    const sender = pc.addTrack(createLocalTrack({ kind: "video" }));
    await pc.setRemoteDescription({ type: "offer", sdp: await offerToTake("a;b") });
    await pc.setRemoteDescription({ type: "rollback" });
    assert.deepEqual(rids(sender), [undefined]);
  });

  it("a rollback takes them back from a track that was added after the offer, too", async () => {
    const { pc } = connection();
    await pc.setRemoteDescription({ type: "offer", sdp: await offerToTake("a;b") });
    const sender = pc.addTrack(createLocalTrack({ kind: "video" }));
    assert.deepEqual(rids(sender), ["a", "b"]);
    await pc.setRemoteDescription({ type: "rollback" });
    assert.deepEqual(pc.getSenders(), [sender]);
    assert.deepEqual(rids(sender), [undefined]);
  });
});

describe("receiving simulcast (RFC 8853 §5.3)", () => {
  /** An offer of ours to send layers, as the other side gets it. */
  async function offering(change = (sdp: string) => sdp) {
    const { pc: far } = connection();
    far.addTransceiver(createLocalTrack({ kind: "video" }), { direction: "sendonly", sendEncodings });
    await far.setLocalDescription();
    const { pc, engine } = connection();
    const offer = { type: "offer", sdp: change(description(far).sdp) } as const;
    await pc.setRemoteDescription(offer);
    await pc.setLocalDescription();
    const [receiver] = pc.getReceivers();
    const streams = engine.transport
      .called("addReceiveStream")
      .map(([given]) => given as ReceiveStreamOptions);
    const [media] = parseSdp(description(pc).sdp).media;
    return { far, pc, engine, offer, receiver, streams, media };
  }

  const keys = (streams: readonly ReceiveStreamOptions[]) => streams.map(streamKey);

  it("answers with all layers, paused as they were offered, and gives each a track", async () => {
    const { far, engine, media, streams, receiver, pc } = await offering((sdp) =>
      sdp.replace("h;m;l", "h;~m;l"),
    );
    assert.equal(media.simulcast, "recv h;~m;l");
    assert.deepEqual(keys(streams), ["0/h", "0/m", "0/l"]);
    assert.deepEqual(
      streams.map(({ rid, ssrcs }) => [rid, ssrcs.length]),
      [
        ["h", 0],
        ["m", 0],
        ["l", 0],
      ],
    );
    const layers = nonstandard.layersOf(receiver);
    assert.deepEqual([...layers.keys()], ["h", "m", "l"]);
    engine.transport.emit("streamstarted", { mid: "0", layer: "l", ssrc: 5 });
    await tasks();
    const muted = () => [receiver.track, ...layers.values()].map((track) => track.muted);
    assert.deepEqual(muted(), [false, true, true, false]);
    engine.transport.emit("streamstarted", { mid: "0", layer: "h", ssrc: 6 });
    engine.transport.emit("bye", { mid: "0", layer: "l", ssrc: 5 });
    await tasks();
    assert.deepEqual(muted(), [false, false, true, true], "one layer that ends is not the end");
    engine.transport.emit("bye", { mid: "0", layer: "h", ssrc: 6 });
    await tasks();
    assert.deepEqual(muted(), [true, true, true, true]);
    await far.setRemoteDescription(description(pc));
    assert.deepEqual(rids(far.getSenders()[0]), ["h", "m", "l"]);
  });

  it("asks for the same layers in later offers, and ends the tracks of those that go", async () => {
    const { far, pc, receiver, engine } = await offering();
    await far.setRemoteDescription(description(pc));
    await pc.setLocalDescription();
    assert.equal(parseSdp(description(pc).sdp).media[0].simulcast, "recv h;m;l");
    await far.setRemoteDescription(description(pc));
    await far.setLocalDescription();
    const layers = nonstandard.layersOf(receiver);
    const without = description(far).sdp.replace("send h;m;l", "send h;l");
    await pc.setRemoteDescription({ type: "answer", sdp: without });
    assert.deepEqual([...nonstandard.layersOf(receiver).keys()], ["h", "l"]);
    assert.equal(layers.get("m")?.readyState, "ended");
    assert.equal(layers.get("h")?.readyState, "live");
    assert.deepEqual(engine.transport.called("removeReceiveStream"), [["0/m"]]);
  });

  it("takes the first of a hundred layers, and one of those that repeat", async () => {
    const many = Array.from({ length: 100 }, (_, i) => `r${i}`);
    const lines = [...many, "r0 x=1", "r1 x=1"]
      .map((rid) => `a=rid:${rid.replace(/( |$)/, " send$1")}\r\n`)
      .join("");
    const { streams } = await offering(
      (sdp) => `${withoutLayers(sdp)}${lines}a=simulcast:send r2;${many.join(";")}\r\n`,
    );
    assert.deepEqual(keys(streams), ["0/r2", "0/r3", "0/r4", "0/r5"], "r0 and r1 are declared twice");
  });

  it("takes one stream of an offer whose packets could not tell their layer", async () => {
    const { streams, media, receiver } = await offering((sdp) =>
      sdp.replace(/a=extmap:.*:rtp-stream-id\r\n/, ""),
    );
    assert.equal(media.simulcast, undefined);
    assert.deepEqual(keys(streams), ["0"]);
    assert.equal(nonstandard.layersOf(receiver).size, 0);
  });

  it("knows the layers of peers from before rids by their sources", async () => {
    const group = [
      "a=ssrc-group:SIM 11 12 13",
      "a=ssrc-group:FID 11 21",
      "a=ssrc-group:FID 13 23",
      ...[11, 12, 13, 21, 23].map((ssrc) => `a=ssrc:${ssrc} cname:old`),
    ];
    const { streams, receiver } = await offering((sdp) => `${withoutLayers(sdp)}${group.join("\r\n")}\r\n`);
    assert.deepEqual(
      streams.map(({ layer, ssrcs, repairs }) => [
        layer,
        ssrcs,
        repairs?.map(({ repairSsrc }) => repairSsrc),
      ]),
      [
        ["0", [11], [21]],
        ["1", [12], []],
        ["2", [13], [23]],
      ],
    );
    assert.equal(nonstandard.layersOf(receiver).size, 3);
  });
});
