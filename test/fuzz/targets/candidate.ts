/** Candidate lines, and what an agent does with them. */
import assert from "node:assert/strict";
import {
  candidateAddress,
  formatCandidate,
  IceAgent,
  type IceCandidate,
  IceError,
  parseCandidate,
} from "../../../src/protocol/ice/index.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { hmacSha1 } from "../../protocol/stun/crypto.js";
import { bytesOf, type FuzzTarget, textOf, unlessRefused } from "../target.js";

function agent(): IceAgent {
  const made = new IceAgent({
    role: "controlling",
    local: { usernameFragment: "abcd", password: "p".repeat(24) },
    tieBreaker: 1n,
    random: seededRandom(1),
    hmacSha1,
  });
  made.addLocalHost(0, { family: 4, address: "192.0.2.1", port: 5000 });
  made.addLocalHost(1, { family: 6, address: "2001:db8::1", port: 5000 });
  made.setRemoteParameters({ usernameFragment: "efgh", password: "q".repeat(24) });
  return made;
}

/** A port of no address is not written. */
function without({ relatedPort: _, ...candidate }: IceCandidate): IceCandidate {
  return candidate;
}

export const target: FuzzTarget = {
  name: "candidate",
  sources: ["src/protocol/ice/candidate.ts", "src/protocol/primitives/address.ts"],
  words: [
    "typ",
    "raddr",
    "rport",
    "tcptype",
    "ufrag",
    "generation",
    "host",
    "srflx",
    "relay",
    "udp",
    "tcp",
    ".local",
  ],
  seeds: () =>
    [
      "candidate:842163049 1 udp 1677729535 203.0.113.7 54321 typ srflx raddr 192.168.1.2 rport 43210 generation 0 ufrag EsAw",
      "candidate:1 1 UDP 2130706431 2001:db8::42 9 typ host",
      "a=candidate:2 1 tcp 1518280447 192.0.2.3 9 typ host tcptype active",
      "candidate:3 1 udp 41819902 198.51.100.4 3478 typ relay raddr 0.0.0.0 rport 9",
      "candidate:4 1 udp 2113937151 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 55555 typ host",
      "candidate:5 1 udp 1 fe80::1%eth0 1 typ prflx",
    ].map(bytesOf),
  run(input) {
    const candidate = unlessRefused(() => parseCandidate(textOf(input)), IceError);
    if (candidate === undefined) return;
    const line = formatCandidate(candidate);
    assert.doesNotMatch(line, /[\r\n\0]/);
    assert.equal(formatCandidate(parseCandidate(line)), line);
    // A related address without its port is written with 9 (RFC 8839 §5.1).
    const { relatedAddress, relatedPort = relatedAddress && 9 } = candidate;
    assert.deepEqual(
      parseCandidate(line),
      relatedAddress === undefined ? without(candidate) : { ...candidate, relatedPort },
    );
    assert.ok(candidate.port >= 0 && candidate.port <= 65535);
    const peer = agent();
    peer.addRemoteCandidate(candidate);
    for (let nowUs = 0; nowUs < 1e6; nowUs += 50_000) peer.handleTimeout(nowUs);
    for (let output = peer.pollOutput(); output; output = peer.pollOutput()) {
      if (output.type === "transmit") assert.deepEqual(output.to, candidateAddress(candidate));
    }
    peer.close();
  },
};
