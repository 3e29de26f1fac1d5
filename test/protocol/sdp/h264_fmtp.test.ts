import assert from "node:assert/strict";
import {
  formatH264Fmtp,
  formatProfileLevelId,
  h264Matches,
  negotiateH264,
  parseH264Fmtp,
  parseProfileLevelId,
} from "../../../src/protocol/sdp/h264_fmtp.js";

function parsed(fmtp: string) {
  const parameters = parseH264Fmtp(fmtp);
  assert.ok(parameters, fmtp);
  return parameters;
}

describe("H.264 format parameters (RFC 6184 §8)", () => {
  it("knows the profiles of table 5 by all their spellings", () => {
    const expected: [string, string, number][] = [
      ["42e01f", "constrained-baseline", 31],
      ["42C01E", "constrained-baseline", 30],
      ["4de01f", "constrained-baseline", 31],
      ["58f01f", "constrained-baseline", 31],
      ["42001f", "baseline", 31],
      ["42a01f", "baseline", 31],
      ["58a01f", "baseline", 31],
      ["4d001f", "main", 31],
      ["4d4028", "main", 40],
      ["58001f", "extended", 31],
      ["64001f", "high", 31],
      ["640c34", "constrained-high", 52],
      ["6e0029", "high-10", 41],
    ];
    for (const [text, profile, level] of expected) {
      assert.deepEqual(parseProfileLevelId(text), { profile, level }, text);
    }
  });

  it("reads level 1b, which is coded as 1.1 with a constraint bit", () => {
    assert.deepEqual(parseProfileLevelId("42f00b"), { profile: "constrained-baseline", level: 9 });
    assert.deepEqual(parseProfileLevelId("42e00b"), { profile: "constrained-baseline", level: 11 });
    assert.equal(formatProfileLevelId({ profile: "constrained-baseline", level: 9 }), "42f00b");
  });

  it("understands no nonsense", () => {
    for (const text of ["", "42e0", "42e01g", "42e01f0", "ffffff", "42e000"]) {
      assert.equal(parseProfileLevelId(text), undefined, text);
    }
    assert.equal(parseH264Fmtp("packetization-mode=3"), undefined);
    assert.equal(parseH264Fmtp("profile-level-id=xyz"), undefined);
  });

  it("takes Baseline level 1 and mode 0 when nothing is said", () => {
    assert.deepEqual(parsed(""), {
      profile: "baseline",
      level: 10,
      packetizationMode: 0,
      levelAsymmetryAllowed: false,
    });
  });

  it("reads keys without regard to case and with spaces", () => {
    const parameters = parsed("Profile-Level-Id=42E01F; Packetization-Mode=1 ;level-asymmetry-allowed=1");
    assert.equal(parameters.packetizationMode, 1);
    assert.equal(parameters.levelAsymmetryAllowed, true);
    assert.equal(
      formatH264Fmtp(parameters),
      "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    );
  });

  it("matches by profile and packetization mode, not by level", () => {
    const ours = parsed("profile-level-id=42e01f;packetization-mode=1");
    assert.ok(h264Matches(ours, parsed("profile-level-id=42c034;packetization-mode=1")));
    assert.ok(!h264Matches(ours, parsed("profile-level-id=42e01f;packetization-mode=0")));
    assert.ok(!h264Matches(ours, parsed("profile-level-id=42001f;packetization-mode=1")));
    assert.ok(!h264Matches(ours, parsed("profile-level-id=64001f;packetization-mode=1")));
  });

  it("answers with the own level under asymmetry and with the lower one without", () => {
    const asymmetric = parsed("profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1");
    const high = parsed("profile-level-id=42e034;packetization-mode=1;level-asymmetry-allowed=1");
    assert.equal(negotiateH264(asymmetric, high).level, 31);
    assert.equal(negotiateH264(high, asymmetric).level, 52);
    const low = parsed("profile-level-id=42e00d;packetization-mode=1");
    assert.equal(negotiateH264(high, low).level, 13);
    assert.equal(negotiateH264(low, high).level, 13);
    assert.equal(negotiateH264(high, low).levelAsymmetryAllowed, false);
  });
});
