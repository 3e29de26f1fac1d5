/** SCTP on paths that lose, and with peers that lie. Real time: usrsctp reads the system's clock. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setTimeout as pass } from "node:timers/promises";
import { native, type SctpAssociation, SctpEvent } from "../../native/addon.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";

const packet = new Uint8Array(2048);
const out = new Uint8Array(1 << 20);
const words = new Int32Array(3);

type Direction = readonly [from: SctpAssociation, to: SctpAssociation];

/** Moves what waits in one direction; `passes` says which packets arrive. */
function carry([from, to]: Direction, passes: (bytes: Uint8Array) => boolean = () => true): number {
  let moved = 0;
  for (let length = from.takePacket(packet); length > 0; length = from.takePacket(packet), moved++) {
    const bytes = packet.subarray(0, length);
    if (passes(bytes)) to.handlePacket(bytes);
  }
  return moved;
}

function exchange(a: SctpAssociation, b: SctpAssociation): void {
  while (carry([a, b]) + carry([b, a]) > 0);
}

/** What arrived: the messages' bytes; "closed" when the association ended. */
function* events(association: SctpAssociation): Generator<Uint8Array | "closed"> {
  for (let event = association.takeEvent(out, words); event !== SctpEvent.none; ) {
    if (event === SctpEvent.message) yield out.slice(0, words[0]);
    if (event === SctpEvent.closed) yield "closed";
    event = association.takeEvent(out, words);
  }
}

async function tick(): Promise<void> {
  await pass(10);
  native.sctpHandleTimers(10);
}

function newPair(): [SctpAssociation, SctpAssociation] {
  const pair: [SctpAssociation, SctpAssociation] = [
    new native.SctpAssociation(),
    new native.SctpAssociation(),
  ];
  for (const each of pair) each.connect();
  return pair;
}

function connectedPair(): [SctpAssociation, SctpAssociation] {
  const pair = newPair();
  exchange(...pair);
  for (const each of pair) for (const _ of events(each));
  return pair;
}

/** Sends `count` messages of 64 KiB over a path; resolves with whether what arrived is what was sent. */
async function transfer(count: number, way: (pair: [SctpAssociation, SctpAssociation]) => void) {
  const pair = connectedPair();
  const [a, b] = pair;
  const [sent, got] = [createHash("sha256"), createHash("sha256")];
  const message = new Uint8Array(65_536);
  let [given, arrived] = [0, 0];
  for (let idle = 0; arrived < count && idle < 500; ) {
    const before = arrived;
    for (; given < count && a.pendingMessages < 4 && a.send(0, 53, message.fill(given)); given++) {
      sent.update(message);
    }
    way(pair);
    for (const event of events(b)) {
      assert.notEqual(event, "closed", "the association was lost");
      got.update(event);
      arrived++;
    }
    idle = arrived === before ? idle + 1 : 0;
    if (idle > 0) await tick();
  }
  for (const each of pair) each.close();
  assert.equal(arrived, count);
  assert.equal(got.digest("hex"), sent.digest("hex"));
}

describe("SCTP on a bad path", function () {
  this.timeout(120_000);

  it("is set up whichever one, two or four packets of the set-up are lost", async () => {
    const links = [1, 2, 4].flatMap((run) =>
      Array.from({ length: 8 }, (_, first) => ({
        pair: newPair(),
        lost: `${run} from ${first}`,
        run,
        first,
        seen: 0,
      })),
    );
    const isUp = ({ pair }: (typeof links)[0]) => pair.every(({ state }) => state === "connected");
    for (let turn = 0; turn < 600 && !links.every(isUp); turn++) {
      for (const link of links) {
        const passes = () => {
          const past = link.seen++ - link.first;
          return past < 0 || past >= link.run;
        };
        carry(link.pair, passes);
        carry([link.pair[1], link.pair[0]], passes);
      }
      await tick();
    }
    assert.deepEqual(
      links.filter((link) => !isUp(link)).map(({ lost }) => lost),
      [],
    );
    for (const { pair } of links) for (const each of pair) each.close();
  });

  it("delivers 20 MB intact at 1 % random loss both ways", async () => {
    const seed = 23;
    console.log(`      seed ${seed}`);
    const random = seededRandom(seed);
    const passes = () => random.uint32() % 100 !== 0;
    await transfer(305, ([a, b]) => {
      while (carry([a, b], passes) + carry([b, a], passes) > 0);
    });
  });

  it("keeps the association when a full queue on the path loses most of every burst", async () => {
    const room = 600;
    await transfer(640, ([a, b]) => {
      for (let moved = 1; moved > 0; ) {
        let left = room;
        moved = carry([a, b], () => left-- > 0);
        moved += carry([b, a]);
      }
    });
  });
});

describe("SCTP with a peer that lies", () => {
  let pair: [SctpAssociation, SctpAssociation];
  let victim: SctpAssociation;
  let other: [SctpAssociation, SctpAssociation];

  beforeEach(() => {
    pair = connectedPair();
    victim = pair[1];
    other = connectedPair();
  });
  afterEach(() => {
    for (const each of [...pair, ...other]) each.close();
  });

  /** The next packet that the peer would send. */
  function nextPacket(): Uint8Array {
    const length = pair[0].takePacket(packet);
    assert.ok(length > 0);
    return packet.slice(0, length);
  }

  /** Whatever became of the victim, what it says is a closing or nothing, and others go on. */
  function assertBounded(): void {
    while (carry([victim, pair[0]]) > 0);
    const told = [...events(victim)].filter((event) => event === "closed").length;
    assert.ok(told <= 1);
    other[0].send(1, 53, Uint8Array.of(7));
    exchange(...other);
    assert.deepEqual([...events(other[1])], [Uint8Array.of(7)]);
  }

  it("takes an INIT cut anywhere, and with any byte of its parameters changed", () => {
    const caller = new native.SctpAssociation();
    caller.connect();
    const init = packet.slice(0, caller.takePacket(packet));
    for (let length = 0; length < init.length; length++) victim.handlePacket(init.subarray(0, length));
    for (let at = 12; at < init.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = init.slice();
        changed[at] = value;
        const fresh = new native.SctpAssociation();
        fresh.connect();
        fresh.handlePacket(changed);
        fresh.close();
      }
    }
    caller.close();
    assertBounded();
  });

  for (const [what, at, values] of [
    ["the length of a DATA chunk", 14, [0, 1, 3, 4, 15, 16, 17, 2000, 65_535]],
    ["the stream of a DATA chunk", 20, [1024, 65_535]],
    ["the first half of a TSN", 16, [0, 0x7fff, 0x8000, 0xffff]],
  ] as const) {
    it(`survives lies about ${what}`, () => {
      for (const value of values) {
        pair[0].send(0, 53, new Uint8Array(100));
        const data = nextPacket();
        new DataView(data.buffer).setUint16(at, value);
        victim.handlePacket(data);
      }
      assertBounded();
    });
  }

  it("survives SACK and FORWARD TSN that name what was never sent", () => {
    victim.send(0, 53, new Uint8Array(50_000));
    const header = (() => {
      pair[0].send(0, 53, new Uint8Array(1));
      return nextPacket().subarray(0, 12);
    })();
    for (const cumulative of [0, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const sack = new DataView(new ArrayBuffer(36));
      new Uint8Array(sack.buffer).set(header);
      sack.setUint8(12, 3);
      sack.setUint16(14, 24);
      sack.setUint32(16, cumulative);
      sack.setUint32(20, 0xffffffff);
      sack.setUint16(24, 2);
      for (const [i, edge] of [1, 0xffff, 0xfffe, 2].entries()) sack.setUint16(28 + 2 * i, edge);
      victim.handlePacket(new Uint8Array(sack.buffer));
      const forward = new DataView(new ArrayBuffer(24));
      new Uint8Array(forward.buffer).set(header);
      forward.setUint8(12, 192);
      forward.setUint16(14, 12);
      forward.setUint32(16, cumulative);
      forward.setUint32(20, 0xffffffff);
      victim.handlePacket(new Uint8Array(forward.buffer));
    }
    assertBounded();
  });
});
