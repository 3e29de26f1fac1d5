import assert from "node:assert/strict";
import { readDiscarded } from "../../src/media/session/discard_counter.js";
import { ReceiveCounters, SendCounters } from "../../src/media/session/stream_counters.js";
import { VirtualCall, type VirtualPeer } from "./virtual_call.js";

/** Every unit that came out was made by the other side, in order, and none twice. */
function assertFaithful(receiver: VirtualPeer, sender: VirtualPeer): void {
  let at = -1;
  for (const unit of receiver.units) {
    const index = sender.made.indexOf(unit.digest);
    assert.ok(index >= 0, "an access unit came out that nobody made");
    assert.ok(index > at, "access units came out of order");
    // A gap may only be crossed by a keyframe: the decoder could not go on otherwise.
    if (index !== at + 1) assert.ok(unit.keyframe, `unit ${index} follows ${at} without a keyframe`);
    assert.equal(unit.keyframe, sender.madeKeyframes.has(unit.digest));
    at = index;
  }
}

describe("a call in virtual time", () => {
  let call: VirtualCall | undefined;
  afterEach(() => {
    call?.close();
    call = undefined;
  });

  it("carries every access unit and packet of sound over a perfect network, bit for bit, both ways", () => {
    call = new VirtualCall({ seed: 1 });
    call.run(2);
    for (const [receiver, sender] of [
      [call.b, call.a],
      [call.a, call.b],
    ]) {
      assertFaithful(receiver, sender);
      const sent = sender.sendCounters[SendCounters.framesSent];
      assert.ok(sent > 50, `${sent} frames sent`);
      assert.ok(receiver.units.length >= sent - 1);
      assert.deepEqual(
        receiver.audio.map(({ digest }) => digest),
        sender.madeAudio.slice(sender.madeAudio.length - receiver.audio.length),
      );
      assert.ok(receiver.audio.length > 90);
      assert.equal(receiver.receiveCounters[ReceiveCounters.packetsLost], 0);
      assert.deepEqual(readDiscarded(receiver.transportCounters), {});
    }
  });
});
