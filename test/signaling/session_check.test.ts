import assert from "node:assert/strict";
import { SignalingError } from "../../src/signaling/errors.js";
import { checkSession } from "../../src/signaling/session_check.js";

const PRINT = `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "0f").join(":")}`;
const audio = (mid: string, ...more: string[]): string[] => [
  `m=audio 9 UDP/TLS/RTP/SAVPF 111`,
  `a=mid:${mid}`,
  ...more,
];
const session = (...lines: string[]): string => ["v=0", "s=-", "t=0 0", ...lines, ""].join("\r\n");
const refused = (code: string, sdp: string): void =>
  assert.throws(
    () => checkSession(sdp, "CALL_OFFER"),
    (error) => error instanceof SignalingError && error.code === code && error.request === "CALL_OFFER",
  );

describe("session check", () => {
  it("accepts a fingerprint for the session, for each section, or for one of a bundle", () => {
    checkSession(session(PRINT, ...audio("0")), "CALL_OFFER");
    checkSession(session(...audio("0", PRINT), ...audio("1", PRINT)), "CALL_OFFER");
    checkSession(session("a=group:BUNDLE 0 1", ...audio("0", PRINT), ...audio("1")), "CALL_OFFER");
    checkSession(session(...audio("0", PRINT), "m=video 0 UDP/TLS/RTP/SAVPF 96"), "CALL_OFFER");
  });

  it("refuses a session without a fingerprint, or with a section that none covers", () => {
    refused("FINGERPRINT_MISSING", "");
    refused("FINGERPRINT_MISSING", session(...audio("0")));
    refused("FINGERPRINT_MISSING", session(...audio("0", PRINT), ...audio("1")));
    refused("FINGERPRINT_MISSING", session("a=group:BUNDLE 0", ...audio("0", PRINT), ...audio("1")));
    refused("FINGERPRINT_MISSING", session("a=fingerprint:sha-256 nonsense", ...audio("0")));
  });

  for (const key of ["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", "k=clear:x", "a=key-mgmt:mikey x"]) {
    it(`refuses the media key ${key}`, () => {
      refused("MEDIA_KEY_REFUSED", session(PRINT, ...audio("0", key)));
      refused("MEDIA_KEY_REFUSED", session(key, PRINT, ...audio("0")).replaceAll("\r\n", "\n"));
      refused("MEDIA_KEY_REFUSED", session(PRINT, ...audio("0", key)).replaceAll("\r\n", "\r"));
    });
  }
});
