import assert from "node:assert/strict";
import { native } from "../../native/addon.js";
import { DataSession } from "../../src/media/session/data_session.js";
import type { DataEvent, OpenChannel } from "../../src/media/transport_api.js";
import { encodeOpen } from "../../src/protocol/dcep/dcep.js";

const options = { port: 5000, maxPacketBytes: 1160, maxMessageBytes: 1 << 20, streams: 64 };
const text = (value: string) => new TextEncoder().encode(value);
const reliable = { ordered: true, priority: 256, label: "", protocol: "", negotiated: false };

class End {
  readonly events: DataEvent[] = [];
  readonly session: DataSession;
  constructor(dtlsRole: "client" | "server", its = options) {
    this.session = new DataSession({ ...its, dtlsRole });
  }
  drain(): void {
    for (let event = this.session.pollEvent(); event; event = this.session.pollEvent())
      this.events.push(event);
  }
  of<T extends DataEvent["type"]>(type: T): Extract<DataEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<DataEvent, { type: T }> => event.type === type);
  }
  open(channel: number, request: Partial<OpenChannel> = {}): void {
    this.session.open({ ...reliable, channel, ...request });
  }
}

describe("data channels over SCTP", () => {
  const packet = new Uint8Array(2048);
  let client: End;
  let server: End;

  /** Hands over all that `from` has to send; how many packets. */
  function carry(from: End, to: End): number {
    let count = 0;
    for (
      let length = from.session.takePacket(packet);
      length > 0;
      length = from.session.takePacket(packet), count++
    ) {
      to.session.handlePacket(packet.subarray(0, length));
    }
    return count;
  }

  function exchange(): void {
    while (carry(client, server) + carry(server, client) > 0);
    client.drain();
    server.drain();
  }

  beforeEach(() => {
    client = new End("client");
    server = new End("server");
  });
  afterEach(() => {
    client.session.destroy();
    server.session.destroy();
  });

  it("opens channels made before and after the association, on streams of the right parity", () => {
    client.open(0, { label: "early" });
    exchange();
    client.open(2, { label: "late" });
    server.open(0, { label: "back" });
    exchange();
    assert.deepEqual(
      client.of("channelopen").map(({ channel, streamId }) => [channel, streamId]),
      [
        [0, 0],
        [2, 2],
      ],
    );
    assert.deepEqual(
      server.of("channelannounced").map(({ open, streamId }) => [open.label, streamId]),
      [
        ["early", 0],
        ["late", 2],
      ],
    );
    assert.deepEqual(
      client.of("channelannounced").map(({ open, streamId }) => [open.label, streamId]),
      [["back", 1]],
    );
  });

  it("carries strings, bytes and empty messages as what they were", () => {
    client.open(0);
    exchange();
    const big = new Uint8Array(262_144).fill(7);
    for (const [binary, data] of [
      [false, text("grüß")],
      [false, text("")],
      [true, new Uint8Array(0)],
      [true, big],
    ] as const) {
      client.session.send(0, binary, data);
    }
    exchange();
    assert.deepEqual(
      server.of("channelmessage").map(({ binary, data }) => [binary, data.byteLength]),
      [
        [false, 6],
        [false, 0],
        [true, 0],
        [true, big.length],
      ],
    );
    assert.deepEqual(new Uint8Array(server.of("channelmessage")[3].data), big);
    assert.equal(
      client.of("channelsent").reduce((sum, { bytes }) => sum + bytes, 0),
      6 + big.length,
    );
  });

  it("answers on a channel that the peer announced", () => {
    client.open(0);
    exchange();
    const [{ channel }] = server.of("channelannounced");
    assert.equal(channel % 2, 1);
    server.session.send(channel, false, text("pong"));
    exchange();
    assert.equal(new TextDecoder().decode(client.of("channelmessage")[0].data), "pong");
  });

  it("needs no announcement for negotiated channels", () => {
    client.open(0, { negotiated: true, streamId: 9 });
    server.open(0, { negotiated: true, streamId: 9 });
    exchange();
    client.session.send(0, false, text("x"));
    exchange();
    assert.equal(server.of("channelmessage").length, 1);
    assert.equal(server.of("channelannounced").length, 0);
  });

  it("sends what waits before a close, closes both ends, and uses the stream again", () => {
    client.open(0);
    exchange();
    client.session.send(0, true, new Uint8Array(500_000));
    client.session.close(0);
    exchange();
    assert.equal(server.of("channelmessage")[0].data.byteLength, 500_000);
    assert.deepEqual(
      client.of("channelclosed").map(({ channel, error }) => [channel, error]),
      [[0, ""]],
    );
    assert.equal(server.of("channelclosed").length, 1);
    client.open(2, { label: "again" });
    exchange();
    assert.equal(server.of("channelannounced")[1].streamId, 0);
    client.session.send(2, false, text("y"));
    exchange();
    assert.equal(server.of("channelmessage").length, 2);
  });

  it("holds what SCTP does not take yet and sends all of it in the end", () => {
    client.open(0);
    exchange();
    const count = 400;
    for (let i = 0; i < count; i++) client.session.send(0, true, new Uint8Array(65_536).fill(i));
    exchange();
    const messages = server.of("channelmessage");
    assert.equal(messages.length, count);
    assert.ok(messages.every(({ data }, i) => new Uint8Array(data)[65_535] === i % 256));
  });

  it("counts as sent what left for the network, not what SCTP keeps", () => {
    client.open(0);
    exchange();
    const [count, size] = [40, 50_000];
    for (let i = 0; i < count; i++) client.session.send(0, true, new Uint8Array(size));
    const sentBytes = () => client.of("channelsent").reduce((sum, { bytes }) => sum + bytes, 0);
    client.drain();
    // The window begins with ten packets or so; no packet was acknowledged yet.
    assert.ok(sentBytes() < 2 * size, `${sentBytes()} bytes`);
    exchange();
    assert.equal(sentBytes(), count * size);
  });

  it("doubles what is in flight each round trip, as slow start has it, when acknowledgements come in one clump", () => {
    client.open(0);
    exchange();
    for (let i = 0; i < 64; i++) client.session.send(0, true, new Uint8Array(65_536));
    const flights: number[] = [];
    while (flights.length < 9) {
      flights.push(carry(client, server));
      carry(server, client);
    }
    assert.ok(Math.max(...flights) >= 1000, `packets in each flight: ${flights.join(", ")}`);
  });

  it("shares what the path carries by priority", () => {
    const [low, high] = [0, 2];
    client.open(low, { label: "low", priority: 256 });
    client.open(high, { label: "high", priority: 1024 });
    exchange();
    const [count, size] = [1000, 2000];
    for (const channel of [low, high]) {
      for (let i = 0; i < count; i++) client.session.send(channel, true, new Uint8Array(size));
    }
    exchange();
    const highHandle = server.of("channelannounced").find(({ open }) => open.label === "high")?.channel;
    const arrived = server.of("channelmessage").slice(0, count);
    const share = arrived.filter(({ channel }) => channel === highHandle).length / count;
    assert.ok(share > 0.75 && share < 0.85, `a share of ${share}`);
    assert.equal(server.of("channelmessage").length, 2 * count);
  });

  it("lets a small message pass many large ones of another channel", () => {
    client.open(0);
    client.open(2);
    exchange();
    for (let i = 0; i < 40; i++) client.session.send(0, true, new Uint8Array(262_144));
    client.session.send(2, true, new Uint8Array(1));
    exchange();
    const order = server.of("channelmessage").map(({ data }) => data.byteLength);
    assert.ok(order.indexOf(1) < 5, `arrived as number ${order.indexOf(1)}`);
  });

  it("tells why the association ended: a message beyond the limit", () => {
    client.open(0);
    exchange();
    client.session.send(0, true, new Uint8Array(options.maxMessageBytes + 1));
    exchange();
    assert.match(server.of("channelclosed")[0].error, /message of more than 1048576 bytes/);
    const [{ error, sctpCauseCode }] = client.of("channelclosed");
    assert.match(error, /the peer aborted the SCTP association \(cause 12/);
    assert.equal(sctpCauseCode, 12);
    assert.deepEqual(client.of("dataclosed")[0].sctpCauseCode, 12);
  });

  it("refuses a channel beyond the last stream id", () => {
    exchange();
    for (let i = 0; i <= options.streams / 2; i++) client.open(i * 2);
    exchange();
    assert.equal(client.of("channelopen").length, options.streams / 2);
    assert.deepEqual(
      client.of("channelclosed").map(({ error }) => error),
      ["no stream id is left"],
    );
  });

  it("opens as many of 10 000 channels as there are streams, refuses the rest, closes all, and opens again", () => {
    const wide = { ...options, streams: 1024 };
    client.session.destroy();
    server.session.destroy();
    client = new End("client", wide);
    server = new End("server", wide);
    for (let i = 0; i < 10_000; i++) client.open(2 * i);
    exchange();
    assert.equal(client.of("channelopen").length, 512);
    assert.equal(server.of("channelannounced").length, 512);
    assert.ok(client.of("channelclosed").every(({ error }) => error === "no stream id is left"));
    assert.equal(client.of("channelclosed").length, 10_000 - 512);
    for (const { channel } of client.of("channelopen")) client.session.close(channel);
    exchange();
    assert.equal(server.of("channelclosed").length, 512);
    assert.equal(client.of("channelclosed").length, 10_000);
    client.open(20_000);
    exchange();
    assert.equal(client.of("channelopen").at(-1)?.channel, 20_000);
    assert.equal(server.of("channelannounced").length, 513);
  });

  it("takes one OPEN for each of the peer's streams, however many come", () => {
    const raw = new native.SctpAssociation({ port: 5000, streams: 64 });
    raw.connect();
    const pump = () => {
      for (let moved = true; moved; ) {
        moved = false;
        for (let n = raw.takePacket(packet); n > 0; n = raw.takePacket(packet), moved = true) {
          server.session.handlePacket(packet.subarray(0, n));
        }
        for (let n = server.session.takePacket(packet); n > 0; moved = true) {
          raw.handlePacket(packet.subarray(0, n));
          n = server.session.takePacket(packet);
        }
      }
    };
    pump();
    const open = encodeOpen({ ordered: true, priority: 256, label: "x".repeat(1000), protocol: "" });
    for (let round = 0; round < 50; round++) {
      for (let stream = 0; stream < 64; stream++) raw.send(stream, 50, open);
      pump();
    }
    server.drain();
    assert.equal(server.of("channelannounced").length, 32);
    assert.equal(server.session.discarded, 50 * 64 - 32);
    raw.close();
  });

  it("counts handshakes and messages that fit no channel", () => {
    const raw = new native.SctpAssociation({ port: 5000, streams: 64 });
    raw.connect();
    const pump = () => {
      for (let moved = true; moved; ) {
        moved = false;
        for (let length = raw.takePacket(packet); length > 0; length = raw.takePacket(packet), moved = true) {
          server.session.handlePacket(packet.subarray(0, length));
        }
        for (
          let n = server.session.takePacket(packet);
          n > 0;
          n = server.session.takePacket(packet), moved = true
        ) {
          raw.handlePacket(packet.subarray(0, n));
        }
      }
    };
    pump();
    raw.send(4, 51, text("no such channel"));
    raw.send(4, 50, Uint8Array.of(3, 9, 9));
    raw.send(5, 50, Uint8Array.of(2));
    raw.send(4, 99, text("?"));
    pump();
    server.drain();
    assert.equal(server.session.discarded, 4);
    assert.equal(server.of("channelannounced").length, 0);
    raw.close();
  });

  it("closes every channel when the association ends", () => {
    client.open(0);
    exchange();
    client.session.destroy();
    client.drain();
    assert.equal(client.of("channelclosed").length, 1);
  });
});
