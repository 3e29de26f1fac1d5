/** A peer's offer on its whole way: read, checked, answered, the answer written, read and settled. */
import assert from "node:assert/strict";
import { type AnswerSection, buildAnswer } from "../../../src/protocol/sdp/build_description.js";
import {
  checkAnswer,
  checkRemoteDescription,
  isRtpKind,
} from "../../../src/protocol/sdp/check_description.js";
import {
  type CodecCapability,
  extensionUris,
  h264Capabilities,
  opusCapabilities,
} from "../../../src/protocol/sdp/codec_capabilities.js";
import { isDataSection, negotiateData } from "../../../src/protocol/sdp/data_section.js";
import {
  negotiateMedia,
  remoteTransportOf,
  transportSectionIndex,
} from "../../../src/protocol/sdp/negotiated_media.js";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import { SdpError } from "../../../src/protocol/sdp/sdp_error.js";
import type { SdpMedia, SdpSession } from "../../../src/protocol/sdp/sdp_model.js";
import { MAX_LAYERS, simulcastOf } from "../../../src/protocol/sdp/simulcast.js";
import { writeSdp } from "../../../src/protocol/sdp/write_sdp.js";
import { type FuzzTarget, textOf, unlessRefused } from "../target.js";
import { sdpFixtures, sdpWords } from "./sdp.js";

export const localTransport = {
  iceUfrag: "abcd",
  icePwd: "0123456789abcdefghijkl",
  fingerprints: [{ algorithm: "sha-256", value: Array.from({ length: 32 }, () => "AB").join(":") }],
  offerSetup: "actpass",
} as const;

export const localOrigin = {
  username: "-",
  sessionId: "1",
  sessionVersion: "1",
  netType: "IN",
  addressType: "IP4",
  address: "127.0.0.1",
};

export const localExtensions = [extensionUris.mid, extensionUris.rid, extensionUris.absCaptureTime];

export function localCodecs(kind: "audio" | "video"): CodecCapability[] {
  return kind === "audio" ? opusCapabilities() : h264Capabilities();
}

function answerSection(kind: "audio" | "video", offered: SdpMedia): AnswerSection {
  const codecs = localCodecs(kind);
  const { send, recv } = simulcastOf(offered);
  const msids = [{ stream: "s", track: "t" }];
  return {
    direction: "sendrecv",
    codecs,
    keepOwnOrder: false,
    extensions: localExtensions,
    msids,
    sources: [],
    simulcast: { send: recv, recv: send },
  };
}

function answerTo(offer: SdpSession): SdpSession {
  const sections = offer.media.map((media) => {
    if (isDataSection(media)) {
      return { data: { mid: media.mid ?? "", sctpPort: 5000, maxMessageSize: 262_144 } };
    }
    return isRtpKind(media.kind) ? answerSection(media.kind, media) : undefined;
  });
  return buildAnswer({ origin: localOrigin, offer, sections, transport: localTransport });
}

/** What both sides settle, section by section; none of it may throw. */
export function settle(local: SdpSession, remote: SdpSession): void {
  for (let index = 0; index < remote.media.length; index++) {
    const agreed = negotiateMedia(local, remote, index, "local");
    for (const names of [
      agreed?.sendLayers.map(({ rid }) => rid) ?? [],
      agreed?.receiveLayers.map(({ name }) => name) ?? [],
    ]) {
      assert.ok(names.length <= MAX_LAYERS && new Set(names).size === names.length, names.join());
    }
  }
  negotiateData(local, remote);
  remoteTransportOf(remote, transportSectionIndex(remote));
}

export const target: FuzzTarget = {
  name: "sdp_offer",
  sources: ["src/protocol/sdp/"],
  words: sdpWords(),
  maxBytes: 16_384,
  seeds: sdpFixtures,
  run(input) {
    const offer = unlessRefused(() => {
      const session = parseSdp(textOf(input));
      checkRemoteDescription(session);
      return session;
    }, SdpError);
    if (offer === undefined) return;
    const text = writeSdp(answerTo(offer));
    // An answer takes from its offer, but never more than there was plus what is ours.
    assert.ok(
      text.length <= 2 * input.length + 4096 * (1 + offer.media.length),
      `${text.length} bytes of answer`,
    );
    const answer = parseSdp(text);
    assert.equal(answer.media.length, offer.media.length);
    checkAnswer(offer, answer);
    settle(answer, offer);
  },
};
