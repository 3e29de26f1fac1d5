import assert from "node:assert/strict";
import { setTimeout as pass } from "node:timers/promises";
import { native, type SctpAssociation, SctpEvent } from "../../native/addon.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";

const packet = new Uint8Array(2048);
const out = new Uint8Array(1 << 20);
const words = new Int32Array(3);

interface Seen {
  messages: { streamId: number; protocol: number; bytes: Uint8Array }[];
  connected: number;
  closed: number;
  resets: number[];
}

const nothingSeen = (): Seen => ({ messages: [], connected: 0, closed: 0, resets: [] });

/** Moves packets both ways until both are silent; `passes` may drop one. */
function exchange(a: SctpAssociation, b: SctpAssociation, passes: () => boolean = () => true): number {
  let moved = 0;
  for (let before = -1; before !== moved; ) {
    before = moved;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      for (let length = from.takePacket(packet); length > 0; length = from.takePacket(packet)) {
        moved++;
        if (passes()) to.handlePacket(packet.subarray(0, length));
      }
    }
  }
  return moved;
}

function drain(association: SctpAssociation, seen: Seen): void {
  for (let event = association.takeEvent(out, words); event !== SctpEvent.none; ) {
    if (event === SctpEvent.connected) seen.connected++;
    if (event === SctpEvent.closed) seen.closed++;
    if (event === SctpEvent.message) {
      seen.messages.push({ streamId: words[1], protocol: words[2], bytes: out.slice(0, words[0]) });
    }
    if (event === SctpEvent.streamsReset)
      seen.resets.push(...new Uint16Array(out.buffer.slice(0, words[0] * 2)));
    event = association.takeEvent(out, words);
  }
}

/** usrsctp judges a chunk's age by the system's clock, so its timers want real time: one tick. */
async function tick(): Promise<void> {
  await pass(10);
  native.sctpHandleTimers(10);
}

function connectedPair(): [SctpAssociation, SctpAssociation] {
  const a = new native.SctpAssociation();
  const b = new native.SctpAssociation();
  a.connect();
  b.connect();
  exchange(a, b);
  return [a, b];
}

describe("SCTP association", () => {
  let pair: [SctpAssociation, SctpAssociation];
  beforeEach(() => {
    pair = connectedPair();
  });
  afterEach(() => {
    for (const each of pair) each.close();
  });

  it("connects when both ends send INIT at once", () => {
    for (const each of pair) {
      const seen = nothingSeen();
      drain(each, seen);
      assert.equal(each.state, "connected");
      assert.equal(seen.connected, 1);
    }
  });

  it("carries messages of every size with their stream and protocol", () => {
    const [a, b] = pair;
    const sizes = [1, 2, 1000, 1160, 1161, 65_536, 262_144, 1_000_000];
    for (const [index, size] of sizes.entries()) {
      assert.ok(a.send(index, 50 + index, new Uint8Array(size).fill(index + 1)));
      exchange(a, b);
    }
    const seen = nothingSeen();
    drain(b, seen);
    assert.deepEqual(
      seen.messages.map(({ streamId, protocol, bytes }) => [streamId, protocol, bytes.length, bytes.at(-1)]),
      sizes.map((size, index) => [index, 50 + index, size, index + 1]),
    );
  });

  it("says too small and keeps the message", () => {
    const [a, b] = pair;
    a.send(3, 53, new Uint8Array(100).fill(7));
    exchange(a, b);
    const seen = nothingSeen();
    const small = new Uint8Array(10);
    while (b.takeEvent(small, words) === SctpEvent.connected);
    assert.equal(b.takeEvent(small, words), SctpEvent.tooSmall);
    assert.equal(words[0], 100);
    drain(b, seen);
    assert.equal(seen.messages[0].bytes.length, 100);
  });

  it("fills its buffer, says so, and takes more when the reader took its messages", () => {
    const [a, b] = pair;
    const chunk = new Uint8Array(65_536);
    let sent = 0;
    while (a.send(1, 53, chunk)) sent++;
    assert.ok(sent >= 100, `${sent} chunks of 64 KiB`);
    const seen = nothingSeen();
    exchange(a, b);
    // Nobody took a message yet: the window has closed, the rest waits at the sender.
    drain(b, seen);
    assert.ok(seen.messages.length < sent, `${seen.messages.length} of ${sent} fitted the receive buffer`);
    assert.ok(a.send(1, 53, chunk));
    for (let taken = -1; taken !== seen.messages.length; ) {
      taken = seen.messages.length;
      exchange(a, b);
      drain(b, seen);
    }
    assert.equal(seen.messages.length, sent + 1);
  });

  it("delivers all, in order, when a tenth of the packets is lost", async () => {
    const seed = 7;
    console.log(`      seed ${seed}`);
    const random = seededRandom(seed);
    const [a, b] = pair;
    for (let i = 0; i < 100; i++) a.send(0, 53, new Uint8Array(3000).fill(i));
    const seen = nothingSeen();
    for (let turn = 0; turn < 2000 && seen.messages.length < 100; turn++) {
      exchange(a, b, () => random.uint32() % 10 !== 0);
      await tick();
      drain(b, seen);
    }
    assert.deepEqual(
      seen.messages.map(({ bytes }) => bytes[2999]),
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it("gives up on an unreliable message whose packets were lost and delivers the next", async () => {
    const [a, b] = pair;
    a.send(0, 53, new Uint8Array([1]), { maxRetransmits: 0 });
    exchange(a, b, () => false);
    const seen = nothingSeen();
    a.send(0, 53, new Uint8Array([2]));
    for (let turn = 0; turn < 1000 && seen.messages.length === 0; turn++) {
      exchange(a, b);
      await tick();
      drain(b, seen);
    }
    assert.deepEqual(
      seen.messages.map(({ bytes }) => bytes[0]),
      [2],
    );
  });

  it("resets a stream, and its id can be used again", () => {
    const [a, b] = pair;
    const seen = nothingSeen();
    a.send(5, 53, new Uint8Array([1]));
    exchange(a, b);
    a.resetStream(5);
    exchange(a, b);
    drain(b, seen);
    assert.deepEqual(seen.resets, [5]);
    b.resetStream(5);
    exchange(a, b);
    a.send(5, 53, new Uint8Array([2]));
    exchange(a, b);
    drain(b, seen);
    assert.deepEqual(
      seen.messages.map(({ bytes }) => bytes[0]),
      [1, 2],
    );
  });

  it("takes any bytes for a packet without harm", () => {
    const seed = 11;
    console.log(`      seed ${seed}`);
    const random = seededRandom(seed);
    const [a, b] = pair;
    for (let i = 0; i < 20_000; i++) b.handlePacket(random.bytes(random.uint32() % 100));
    assert.ok(a.send(0, 53, new Uint8Array([9])));
    exchange(a, b);
    const seen = nothingSeen();
    drain(b, seen);
    assert.equal(seen.messages.length, 1);
  });

  it("tells the peer when it is closed", () => {
    const [a, b] = pair;
    const seen = nothingSeen();
    a.send(0, 53, new Uint8Array([1]));
    exchange(a, b);
    b.close();
    drain(a, seen);
    assert.equal(b.state, "closed");
    assert.throws(() => b.send(0, 53, new Uint8Array(1)), { code: "CLOSED" });
    pair = [a, new native.SctpAssociation()];
  });
});
