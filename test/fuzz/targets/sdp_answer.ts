/** A peer's answer to our offer: read, checked against the offer, settled. */
import { buildOffer } from "../../../src/protocol/sdp/build_description.js";
import { checkAnswer, checkRemoteDescription } from "../../../src/protocol/sdp/check_description.js";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import { SdpError } from "../../../src/protocol/sdp/sdp_error.js";
import { writeSdp } from "../../../src/protocol/sdp/write_sdp.js";
import { bytesOf, type FuzzTarget, textOf, unlessRefused } from "../target.js";
import { sdpFixtures, sdpWords } from "./sdp.js";
import { localCodecs, localExtensions, localOrigin, localTransport, settle } from "./sdp_offer.js";

const offer = buildOffer({
  origin: localOrigin,
  sections: [
    ...(["audio", "video"] as const).map((kind, index) => ({
      kind,
      mid: `${index}`,
      direction: "sendrecv" as const,
      rejected: false,
      codecs: localCodecs(kind),
      extensions: localExtensions,
      msids: [{ stream: "s", track: kind }],
      sources: [],
    })),
    { data: { mid: "2", sctpPort: 5000, maxMessageSize: 262_144 } },
  ],
  transport: localTransport,
  bundleOnly: false,
  inForce: [],
});

export const target: FuzzTarget = {
  name: "sdp_answer",
  sources: ["src/protocol/sdp/"],
  words: sdpWords(),
  maxBytes: 16_384,
  // Our own offer with a role chosen is an answer that fits it.
  seeds: () => [bytesOf(writeSdp(offer).replaceAll("actpass", "active")), ...sdpFixtures()],
  run(input) {
    const answer = unlessRefused(() => {
      const session = parseSdp(textOf(input));
      checkRemoteDescription(session);
      checkAnswer(offer, session);
      return session;
    }, SdpError);
    if (answer !== undefined) settle(offer, answer);
  },
};
