import assert from "node:assert/strict";
import {
  type AnswerSection,
  buildAnswer,
  buildOffer,
  type LocalTransportDescription,
  type OfferSection,
} from "../../../src/protocol/sdp/build_description.js";
import { checkAnswer, checkRemoteDescription } from "../../../src/protocol/sdp/check_description.js";
import {
  extensionUris,
  h264Capabilities,
  opusCapabilities,
} from "../../../src/protocol/sdp/codec_capabilities.js";
import { answerDirection, reverseDirection } from "../../../src/protocol/sdp/directions.js";
import { answerSetup, dtlsRole } from "../../../src/protocol/sdp/dtls_setup.js";
import {
  negotiateMedia,
  remoteTransportOf,
  transportSectionIndex,
} from "../../../src/protocol/sdp/negotiated_media.js";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import { SdpError, type SdpErrorCode } from "../../../src/protocol/sdp/sdp_error.js";
import { bundledMids, isRejected, type SdpDirection } from "../../../src/protocol/sdp/sdp_model.js";
import { writeSdp } from "../../../src/protocol/sdp/write_sdp.js";
import { fixture } from "./fixtures.js";

const transport: LocalTransportDescription = {
  iceUfrag: "abcd",
  icePwd: "0123456789abcdefghijkl",
  fingerprints: [{ algorithm: "sha-256", value: Array.from({ length: 32 }, () => "AB").join(":") }],
  offerSetup: "actpass",
};
const origin = {
  username: "-",
  sessionId: "1",
  sessionVersion: "1",
  netType: "IN",
  addressType: "IP4",
  address: "127.0.0.1",
};
const extensions = [extensionUris.mid, extensionUris.absCaptureTime];

function offerSection(
  kind: "audio" | "video",
  mid: string,
  direction: SdpDirection = "sendrecv",
): OfferSection {
  return {
    kind,
    mid,
    direction,
    rejected: false,
    codecs: kind === "audio" ? opusCapabilities() : h264Capabilities(),
    extensions,
    msids: [{ stream: "s", track: `t${mid}` }],
    sources: [{ ssrc: 1000 + Number(mid), attributes: [{ name: "cname", value: "me" }] }],
  };
}

function answerSection(kind: string, direction: SdpDirection = "sendrecv"): AnswerSection {
  return {
    direction,
    codecs: kind === "audio" ? opusCapabilities() : h264Capabilities(),
    keepOwnOrder: false,
    extensions,
    msids: [],
    sources: [],
  };
}

function offer(...sections: OfferSection[]) {
  const session = buildOffer({ origin, sections, transport, bundleOnly: false, inForce: [] });
  return parseSdp(writeSdp(session));
}

function answerTo(offered: ReturnType<typeof parseSdp>, direction: SdpDirection = "sendrecv") {
  const sections = offered.media.map((media) =>
    media.kind === "application" ? undefined : answerSection(media.kind, direction),
  );
  return parseSdp(writeSdp(buildAnswer({ origin, offer: offered, sections, transport })));
}

function refused(action: () => unknown, code: SdpErrorCode): void {
  assert.throws(action, (error: unknown) => error instanceof SdpError && error.code === code);
}

describe("directions and setup", () => {
  it("turns directions round and never answers more than was offered", () => {
    assert.equal(reverseDirection("sendonly"), "recvonly");
    assert.equal(reverseDirection("inactive"), "inactive");
    assert.equal(answerDirection("sendrecv", "sendonly"), "recvonly");
    assert.equal(answerDirection("sendonly", "sendonly"), "inactive");
    assert.equal(answerDirection("sendrecv", "sendrecv"), "sendrecv");
  });

  it("takes the active role when it may choose", () => {
    assert.equal(answerSetup("actpass"), "active");
    assert.equal(answerSetup("active"), "passive");
    assert.equal(answerSetup("passive"), "active");
    assert.equal(dtlsRole("active", true), "client");
    assert.equal(dtlsRole("active", false), "server");
    assert.equal(dtlsRole("passive", false), "client");
    refused(() => dtlsRole("actpass", false), "SDP_MISMATCH");
    refused(() => dtlsRole(undefined, false), "SDP_MISMATCH");
  });
});

describe("buildOffer", () => {
  it("bundles all sections and offers both packetization modes", () => {
    const session = offer(offerSection("audio", "0"), offerSection("video", "1"));
    assert.deepEqual(bundledMids(session), ["0", "1"]);
    checkRemoteDescription(session);
    const fmtps = session.media[1].codecs.map((codec) => codec.fmtp);
    assert.deepEqual(fmtps, [
      "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
      "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
      "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
      "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
    ]);
    assert.equal(session.media[0].codecs[0].payloadType, 111);
    assert.equal(session.media[0].iceOptions?.[0], "trickle");
    assert.equal(session.media[0].setup, "actpass");
  });

  it("gives an extension one id in all sections and a payload type one meaning", () => {
    const session = offer(offerSection("audio", "0"), offerSection("video", "1"), offerSection("video", "2"));
    assert.deepEqual(session.media[0].extensions, session.media[1].extensions);
    assert.deepEqual(session.media[1].formats, session.media[2].formats);
  });

  it("keeps the payload types and ids of the descriptions in force", () => {
    const chromium = parseSdp(fixture("chromium-offer"));
    const first = answerTo(chromium);
    const again = buildOffer({
      origin,
      sections: [offerSection("audio", "0"), offerSection("video", "1")],
      transport,
      bundleOnly: false,
      inForce: [first, chromium],
    });
    const h264 = chromium.media[1].codecs.find(
      (codec) => codec.fmtp === "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    );
    assert.equal(again.media[1].codecs[0].payloadType, h264?.payloadType);
    const midId = chromium.media[0].extensions.find(({ uri }) => uri === extensionUris.mid)?.id;
    assert.equal(again.media[0].extensions[0].id, midId);
    const ids = chromium.media.flatMap((media) => media.extensions.map(({ id }) => id));
    assert.ok(!ids.includes(again.media[0].extensions[1].id), "a new extension takes a free id");
  });

  it("marks later sections bundle-only when asked", () => {
    const session = buildOffer({
      origin,
      sections: [offerSection("audio", "0"), offerSection("video", "1")],
      transport,
      bundleOnly: true,
      inForce: [],
    });
    assert.ok(session.media[1].bundleOnly && session.media[1].port === 0);
    assert.ok(!isRejected(session.media[1]));
    assert.deepEqual(bundledMids(session), ["0", "1"]);
  });
});

describe("buildAnswer", () => {
  it("answers Chromium with its numbers, in its order, and only what both have", () => {
    const chromium = parseSdp(fixture("chromium-offer"));
    const answer = answerTo(chromium);
    checkRemoteDescription(answer);
    checkAnswer(chromium, answer);
    assert.deepEqual(
      answer.media[0].codecs.map(({ name }) => name),
      ["opus"],
    );
    const [first] = chromium.media[1].codecs.filter(({ name }) => name === "H264");
    assert.equal(answer.media[1].codecs[0].payloadType, first.payloadType);
    assert.ok(answer.media[1].codecs.every(({ name }) => name === "H264"));
    assert.ok(answer.media[1].codecs.every(({ fmtp }) => !fmtp?.includes("4d00")));
    assert.deepEqual(answer.media[1].codecs[0].feedback, [
      { type: "nack" },
      { type: "nack", parameter: "pli" },
      { type: "ccm", parameter: "fir" },
      { type: "goog-remb" },
      { type: "transport-cc" },
    ]);
    assert.deepEqual(
      answer.media[0].extensions.map(({ uri }) => uri),
      [extensionUris.mid],
    );
    assert.equal(answer.media[0].setup, "active");
  });

  it("refuses what it does not speak and leaves it out of the bundle", () => {
    const chromium = parseSdp(fixture("chromium-offer-data-channel"));
    const answer = answerTo(chromium, "sendonly");
    assert.deepEqual(bundledMids(answer), ["0", "1"]);
    assert.ok(isRejected(answer.media[2]));
    assert.deepEqual(answer.media[2].formats, ["webrtc-datachannel"]);
    assert.equal(answer.media[1].direction, "sendonly");
  });

  it("refuses a section without a common codec", () => {
    const offered = offer(offerSection("audio", "0"), offerSection("video", "1"));
    offered.media[1].codecs = [{ payloadType: 96, name: "VP8", clockRate: 90_000, feedback: [] }];
    const answer = answerTo(offered);
    assert.ok(isRejected(answer.media[1]));
    assert.deepEqual(bundledMids(answer), ["0"]);
  });

  it("accepts one section of a peer without BUNDLE", () => {
    const offered = offer(offerSection("audio", "0"), offerSection("video", "1"));
    offered.groups = [];
    const answer = answerTo(offered);
    assert.ok(!isRejected(answer.media[0]));
    assert.ok(isRejected(answer.media[1]));
    assert.deepEqual(answer.groups, []);
  });

  it("puts the application's codec order first when it has one", () => {
    const offered = offer(offerSection("video", "0"));
    const preferred = [...h264Capabilities()].reverse();
    const section = { ...answerSection("video"), codecs: preferred, keepOwnOrder: true };
    const answer = buildAnswer({ origin, offer: offered, sections: [section], transport });
    assert.deepEqual(answer.media[0].formats, [...offered.media[0].formats].reverse());
  });

  it("keeps the DTLS role of a running association", () => {
    const offered = offer(offerSection("audio", "0"));
    const input = { origin, offer: offered, sections: [answerSection("audio")] };
    const answer = buildAnswer({ ...input, transport: { ...transport, dtlsRole: "server" } });
    assert.equal(answer.media[0].setup, "passive");
  });
});

describe("negotiated media", () => {
  it("is the same seen from both sides", () => {
    const offered = offer(offerSection("audio", "0"), offerSection("video", "1", "sendonly"));
    const answer = answerTo(offered);
    const ours = negotiateMedia(offered, answer, 1, "remote");
    const theirs = negotiateMedia(answer, offered, 1, "local");
    assert.ok(ours && theirs);
    assert.ok(ours.sending && !ours.receiving && !theirs.sending && theirs.receiving);
    assert.deepEqual(
      ours.codecs.map(({ local, remote }) => [local.payloadType, remote.payloadType]),
      theirs.codecs.map(({ remote, local }) => [remote.payloadType, local.payloadType]),
    );
    assert.deepEqual(ours.extensions, theirs.extensions);
    assert.deepEqual(theirs.remoteSsrcs, [1001]);
    assert.equal(theirs.remoteCname, "me");
  });

  it("takes an answered number for what was offered under it when the answer leaves the profile out", () => {
    const offered = offer(offerSection("video", "0"));
    const answer = answerTo(offered);
    const [{ payloadType }] = offered.media[0].codecs;
    answer.media[0].codecs = answer.media[0].codecs
      .filter((codec) => codec.payloadType === payloadType)
      .map((codec) => ({ ...codec, fmtp: "packetization-mode=1;level-asymmetry-allowed=1" }));
    const codecs = negotiateMedia(offered, answer, 0, "remote")?.codecs ?? [];
    assert.deepEqual(
      codecs.map(({ local, remote }) => [local.payloadType, remote.payloadType]),
      [[payloadType, payloadType]],
    );
  });

  it("maps each side's own payload types when an answer renumbers", () => {
    const offered = offer(offerSection("video", "0"));
    const answer = answerTo(offered);
    answer.media[0].codecs = answer.media[0].codecs.map((codec) => ({
      ...codec,
      payloadType: codec.payloadType + 20,
    }));
    const [first] = negotiateMedia(offered, answer, 0, "remote")?.codecs ?? [];
    assert.equal(first.local.payloadType, 96);
    assert.equal(first.remote.payloadType, 116);
    assert.equal(first.local.fmtp, first.remote.fmtp);
  });

  it("reads the transport from the bundle's tag", () => {
    const session = parseSdp(fixture("chromium-offer"));
    session.groups = [{ semantics: "BUNDLE", mids: ["1", "0"] }];
    assert.equal(transportSectionIndex(session), 1);
    assert.equal(remoteTransportOf(session, 1)?.iceUfrag, session.media[1].iceUfrag);
    session.media[1].port = 0;
    assert.equal(transportSectionIndex(session), 0);
  });
});

describe("checkRemoteDescription", () => {
  const chromium = () => parseSdp(fixture("chromium-offer"));

  it("accepts what Chromium says", () => {
    for (const name of ["chromium-offer", "chromium-answer", "chromium-offer-data-channel"]) {
      checkRemoteDescription(parseSdp(fixture(name)));
    }
    checkAnswer(chromium(), parseSdp(fixture("chromium-answer")));
  });

  it("refuses a session without fingerprint, wholly or in one section", () => {
    const session = chromium();
    session.media[1].fingerprints = [];
    refused(() => checkRemoteDescription(session), "SDP_NO_FINGERPRINT");
    session.media[0].fingerprints = [];
    refused(() => checkRemoteDescription(session), "SDP_NO_FINGERPRINT");
  });

  it("refuses missing credentials, missing rtcp-mux, doubled mids, unknown bundle members", () => {
    const noPassword = chromium();
    delete noPassword.media[0].icePwd;
    refused(() => checkRemoteDescription(noPassword), "SDP_ICE_CREDENTIALS");
    const noMux = chromium();
    noMux.media[0].rtcpMux = false;
    refused(() => checkRemoteDescription(noMux), "SDP_UNSUPPORTED");
    const doubled = chromium();
    doubled.media[1].mid = "0";
    refused(() => checkRemoteDescription(doubled), "SDP_MISMATCH");
    const stranger = chromium();
    stranger.groups = [{ semantics: "BUNDLE", mids: ["0", "x"] }];
    refused(() => checkRemoteDescription(stranger), "SDP_MISMATCH");
  });

  it("refuses an id that is the mid's in one section of a bundle and something else in another", () => {
    const session = chromium();
    const mid = session.media[0].extensions.find(({ uri }) => uri === "urn:ietf:params:rtp-hdrext:sdes:mid");
    assert.ok(mid);
    session.media[1].extensions = [{ id: mid.id, uri: "urn:other" }];
    refused(() => checkRemoteDescription(session), "SDP_MISMATCH");
  });

  it("accepts any other id with a meaning per section, as aiortc numbers them", () => {
    const session = chromium();
    session.media[0].extensions = [{ id: 2, uri: "urn:ietf:params:rtp-hdrext:ssrc-audio-level" }];
    session.media[1].extensions = [
      { id: 2, uri: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time" },
    ];
    checkRemoteDescription(session);
  });
});

describe("checkAnswer", () => {
  function pair() {
    const offered = offer(offerSection("audio", "0"), offerSection("video", "1", "recvonly"));
    return { offered, answer: answerTo(offered) };
  }

  it("refuses answers that do not fit", () => {
    const missing = pair();
    missing.answer.media = missing.answer.media.slice(0, 1);
    refused(() => checkAnswer(missing.offered, missing.answer), "SDP_MISMATCH");
    const swapped = pair();
    swapped.answer.media = [...swapped.answer.media].reverse();
    refused(() => checkAnswer(swapped.offered, swapped.answer), "SDP_MISMATCH");
    const actpass = pair();
    actpass.answer.media[0].setup = "actpass";
    refused(() => checkAnswer(actpass.offered, actpass.answer), "SDP_MISMATCH");
    const direction = pair();
    direction.answer.media[1].direction = "sendrecv";
    refused(() => checkAnswer(direction.offered, direction.answer), "SDP_MISMATCH");
    const unbundled = pair();
    unbundled.answer.groups = [];
    refused(() => checkAnswer(unbundled.offered, unbundled.answer), "SDP_UNSUPPORTED");
  });
});
