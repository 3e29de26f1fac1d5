import assert from "node:assert/strict";
import { SettingsError } from "../../src/media/settings_error.js";
import type { TransportSettings } from "../../src/media/transport_api.js";
import { checkTransportSettings } from "../../src/media/transport_settings.js";
import { RTCPeerConnection } from "../../src/webrtc/index.js";

/** Settings as a program without types might give them. */
function check(settings: object): void {
  checkTransportSettings(settings as TransportSettings);
}

describe("transport settings", () => {
  const good: Record<string, object> = {
    nothing: {},
    "absent members": { portRange: undefined },
    "one port": { portRange: { min: 5000, max: 5000 } },
    "names and prefixes": { interfaces: { allow: ["eth0", "wl*", "10.0.0.0/8"], deny: ["2001:db8::/32"] } },
    "one external address a family": { nat1to1: { addresses: ["203.0.113.1", "2001:db8::1"] } },
    "external addresses by local ones": {
      nat1to1: { addresses: ["203.0.113.1/10.0.0.1", "203.0.113.2/10.0.0.2"], as: "srflx" },
    },
    "times of ICE": { ice: { consentIntervalUs: 4_000_000, requestCount: 3 } },
  };
  for (const [what, settings] of Object.entries(good)) {
    it(`may hold ${what}`, () => check(settings));
  }

  const bad: [object, string, RegExp][] = [
    [{ portrange: { min: 1, max: 2 } }, "transport.portrange", /no such option; there are .*portRange/],
    [{ portRange: { min: 5001, max: 5000 } }, "transport.portRange", /min not above max/],
    [{ portRange: { min: 5000 } }, "transport.portRange", /min not above max/],
    [{ portRange: { min: 0, max: 2 } }, "transport.portRange.min", /found 0, .*from 1 to 65535/],
    [{ portRange: [1, 2] }, "transport.portRange", /an object with min, max/],
    [{ maxPacketBytes: 100 }, "transport.maxPacketBytes", /found 100, .*from 500 to 2000/],
    [{ maxPacketBytes: "1200" }, "transport.maxPacketBytes", /found "1200"/],
    [{ maxPacketBytes: Number.NaN }, "transport.maxPacketBytes", /found NaN/],
    [{ bindAddresses: ["localhost"] }, "transport.bindAddresses[0]", /numeric IPv4 or IPv6/],
    [{ jitterPackets: 1000 }, "transport.jitterPackets", /a power of two from 16/],
    [{ decode: "never" }, "transport.decode", /found "never", .*"always" or "wanted"/],
    [{ includeLoopback: 1 }, "transport.includeLoopback", /true or false/],
    [{ srtpProfiles: ["NULL"] }, "transport.srtpProfiles[0]", /AEAD_AES_128_GCM/],
    [{ interfaces: { allow: [] } }, "transport.interfaces.allow", /a list of 1 to 256/],
    [{ interfaces: { deny: ["10.0.0.0/33"] } }, "transport.interfaces.deny[0]", /an interface/],
    [{ interfaces: { families: [5] } }, "transport.interfaces.families[0]", /4 or 6/],
    [{ nat1to1: {} }, "transport.nat1to1", /an object with addresses/],
    [{ nat1to1: { addresses: ["nat.example"] } }, "transport.nat1to1.addresses[0]", /EXTERNAL/],
    [{ nat1to1: { addresses: ["203.0.113.1/2001:db8::1"] } }, "transport.nat1to1.addresses[0]", /one family/],
    [
      { nat1to1: { addresses: ["203.0.113.1", "203.0.113.2"] } },
      "transport.nat1to1.addresses",
      /one address/,
    ],
    [
      { nat1to1: { addresses: ["203.0.113.1", "203.0.113.2/10.0.0.1"] } },
      "transport.nat1to1.addresses",
      /pairs alone/,
    ],
    [
      { nat1to1: { addresses: ["203.0.113.2/10.0.0.1", "203.0.113.1"] } },
      "transport.nat1to1.addresses",
      /pairs alone/,
    ],
    [{ nat1to1: { addresses: ["203.0.113.1"], as: "prflx" } }, "transport.nat1to1.as", /"host" or "srflx"/],
    [{ ice: { failedUs: 31_000_000 } }, "transport.ice.failedUs", /to 30000000/],
    [{ ice: { pacingUs: 4_999 } }, "transport.ice.pacingUs", /from 5000/],
  ];
  for (const [settings, option, message] of bad) {
    it(`refuse ${JSON.stringify(settings)}`, () => {
      assert.throws(
        () => check(settings),
        (error: unknown) =>
          error instanceof SettingsError &&
          error instanceof TypeError &&
          error.code === "ERR_SETTINGS" &&
          error.option === option &&
          message.test(error.message),
      );
    });
  }

  it("are checked by the constructor of a connection, with all other settings", () => {
    const make = (settings: object) => () => new RTCPeerConnection({}, settings);
    assert.throws(make({ transport: { maxPacketBytes: 1 } }), { option: "transport.maxPacketBytes" });
    assert.throws(make({ transports: {} }), { option: "transports", name: "SettingsError" });
    assert.throws(make({ resolveTimeoutMs: -1 }), /settings\.resolveTimeoutMs: found -1/);
    assert.throws(make({ transport: null }), /settings\.transport: found null/);
  });
});
