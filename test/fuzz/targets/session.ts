/**
 * A whole transport in the middle of a call (ICE, DTLS, SRTP, RTP, RTCP, jitter buffers) hears the input's datagrams from its
 * peer's address and from a stranger's. The call goes on.
 */
import assert from "node:assert/strict";
import { VirtualCall, type VirtualPeer } from "../../session/virtual_call.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";

const STRANGER = { family: 4, address: "10.9.9.9", port: 9 } as const;
/** One call serves many inputs, as a long one would. */
const HEARD_PER_CALL = 2000;

let call: VirtualCall | undefined;
let heard = 0;

/** Datagrams of a set-up and a moment of media, as the network carried them. */
function recorded(): Uint8Array[] {
  const seen: Uint8Array[] = [];
  const recording = new VirtualCall({ seed: 7 });
  for (const peer of [recording.a, recording.b]) {
    peer.onTransmit = (_, data) => {
      seen.push(data.slice(0, 400));
      return true;
    };
  }
  recording.run(0.3);
  recording.close();
  return seen;
}

const mediaFlows = ({ a, b }: VirtualCall) => a.units.length > 2 && b.units.length > 2;

function setMuted({ a, b }: VirtualCall, muted: boolean): void {
  for (const peer of [a, b]) peer.muted = muted;
}

/** Ends the call before, which must still carry media, and begins another. */
function nextCall(): VirtualCall {
  if (call !== undefined) {
    const before = call;
    setMuted(before, false);
    assert.ok(
      before.run(5, () => mediaFlows(before)),
      "the call that heard all this carries no media any more",
    );
    before.close();
  }
  const next = new VirtualCall({ seed: 8 });
  assert.ok(next.run(2, () => mediaFlows(next)));
  setMuted(next, true);
  for (const peer of [next.a, next.b]) forget(peer);
  heard = 0;
  return next;
}

/** What only grows in a test must not be taken for growth of the session. */
function forget(peer: VirtualPeer): void {
  for (const list of [peer.units, peer.audio, peer.made, peer.madeAudio, peer.notices, peer.discarded])
    list.length = 0;
  peer.madeKeyframes.clear();
}

export const target: FuzzTarget = {
  name: "session",
  sources: ["src/media/session/", "src/protocol/ice/", "src/protocol/rtcp/", "src/protocol/jitter/"],
  isNative: true,
  maxBytes: 4000,
  seeds: () => {
    const datagrams = recorded();
    const pieces = [0, 5, 10, 15, 20, 40, 60].map((at) => datagrams.slice(at, at + 5));
    return pieces.map(joinDatagrams);
  },
  run(input) {
    if (call === undefined || heard > HEARD_PER_CALL) call = nextCall();
    const { a, b } = call;
    for (const data of datagramsOf(input, 16)) {
      heard++;
      b.receive({ data, from: heard % 2 === 0 ? a.address : STRANGER });
    }
    call.run(0.01);
    assert.deepEqual([b.notice("failed"), b.notice("dtlsstate")], [[], []]);
    for (const peer of [a, b]) forget(peer);
  },
};
