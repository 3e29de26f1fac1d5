/** Data channels between two transports over real sockets, DTLS and SCTP. */
import assert from "node:assert/strict";
import { MediaEngine } from "../../src/media/engine.js";
import { channelOf, End } from "./transport_end.js";

describe("data channels of two transports", function () {
  this.timeout(120_000);
  let engine: MediaEngine;
  let a: End;
  let b: End;

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 240, frameRate: 30, noise: false, tag: 1 },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
      warmUp: false,
    });
  });
  after(() => engine.stop());
  beforeEach(() => {
    a = new End(engine, "A", "controlling");
    b = new End(engine, "B", "controlled");
  });
  afterEach(async () => {
    await Promise.all([a.transport.close(), b.transport.close()]);
  });

  function connect(): void {
    a.connect(b, "server");
    b.connect(a, "client");
  }

  it("open, carry messages both ways, and close", async () => {
    connect();
    a.transport.openDataChannel(channelOf(0, { label: "chat", protocol: "p" }));
    const [opened, announced] = await Promise.all([a.next("channelopen"), b.next("channelannounced")]);
    // RFC 8832 §6: the DTLS server takes odd ids.
    assert.equal(opened.streamId, 1);
    assert.equal(announced.streamId, 1);
    assert.deepEqual([announced.open.label, announced.open.protocol], ["chat", "p"]);
    const sent = new Uint8Array(262_144).map((_, i) => i * 7);
    const buffer = sent.slice().buffer;
    a.transport.sendData(0, true, buffer);
    assert.equal(buffer.byteLength, 0, "the buffer was moved, not copied");
    const message = await b.next("channelmessage");
    assert.equal(message.binary, true);
    assert.deepEqual(new Uint8Array(message.data), sent);
    assert.equal((await a.next("channelsent")).bytes, sent.length);
    b.transport.sendData(announced.channel, false, new TextEncoder().encode("back").buffer);
    const back = await a.next("channelmessage");
    assert.deepEqual([back.binary, new TextDecoder().decode(back.data)], [false, "back"]);
    b.transport.closeDataChannel(announced.channel);
    await a.next("channelclosing");
    const [mine, theirs] = await Promise.all([a.next("channelclosed"), b.next("channelclosed")]);
    assert.deepEqual([mine.error, theirs.error], ["", ""]);
  });

  it("begin on a transport that is already connected", async () => {
    a.connect(b, "server", false);
    b.connect(a, "client", false);
    await new Promise<void>((resolve) =>
      a.transport.on("dtlsstate", (state) => state === "connected" && resolve()),
    );
    a.startData();
    b.startData();
    b.transport.openDataChannel(channelOf(0));
    await a.next("channelannounced");
  });

  it("end with the transport of the peer, which aborts the association", async () => {
    connect();
    a.transport.openDataChannel(channelOf(0));
    await b.next("channelannounced");
    await a.transport.close();
    const [closed, ended] = [await b.next("channelclosed"), await b.next("dataclosed")];
    assert.match(closed.error, /the peer aborted the SCTP association \(cause 12/);
    assert.deepEqual([closed.sctpCauseCode, ended.sctpCauseCode], [12, 12]);
    b.transport.openDataChannel(channelOf(0));
    assert.notEqual((await b.next("channelclosed")).error, "");
  });

  it("deliver every byte of 40 MB in order while the reader lags behind", async () => {
    connect();
    a.transport.openDataChannel(channelOf(0));
    await b.next("channelannounced");
    const count = 640;
    for (let i = 0; i < count; i++) {
      const bytes = new Uint8Array(65_536).fill(i & 255);
      bytes[0] = i >> 8;
      a.transport.sendData(0, true, bytes.buffer);
    }
    for (let i = 0; i < count; i++) {
      const bytes = new Uint8Array((await b.next("channelmessage")).data);
      assert.equal(bytes.length, 65_536);
      assert.deepEqual([bytes[0], bytes[65_535]], [i >> 8, i & 255]);
    }
  });

  it("keep the order of messages that take different ways to the other thread, by their size", async () => {
    connect();
    a.transport.openDataChannel(channelOf(0));
    const { channel } = await b.next("channelannounced");
    const sizes = [4, 64, 4096, 4097, 70_000, 12, 4, 4];
    const count = 400;
    const message = (i: number) => {
      const bytes = new Uint8Array(sizes[i % sizes.length]);
      new DataView(bytes.buffer).setUint32(0, i);
      return bytes.buffer;
    };
    for (let i = 0; i < count; i++) a.transport.sendData(0, true, message(i));
    for (let i = 0; i < count; i++) {
      const { data } = await b.next("channelmessage");
      assert.deepEqual([data.byteLength, new DataView(data).getUint32(0)], [sizes[i % sizes.length], i]);
      b.transport.sendData(channel, true, data);
    }
    b.transport.closeDataChannel(channel);
    for (let i = 0; i < count; i++) {
      const { data } = await a.next("channelmessage");
      assert.deepEqual([data.byteLength, new DataView(data).getUint32(0)], [sizes[i % sizes.length], i]);
    }
    await a.next("channelclosed");
  });

  it("go from one engine of the process to another, and outlive that one's end", async () => {
    const other = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 240, frameRate: 30, noise: false, tag: 1 },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
      warmUp: false,
    });
    try {
      const c = new End(other, "C", "controlled");
      a.connect(c, "server");
      c.connect(a, "client");
      a.transport.openDataChannel(channelOf(0));
      const { channel } = await c.next("channelannounced");
      for (let i = 0; i < 64; i++) {
        a.transport.sendData(0, true, new Uint8Array(65_536).fill(i).buffer);
        c.transport.sendData(channel, true, new Uint8Array(65_536).fill(255 - i).buffer);
      }
      for (let i = 0; i < 64; i++) {
        assert.equal(new Uint8Array((await c.next("channelmessage")).data)[65_535], i);
        assert.equal(new Uint8Array((await a.next("channelmessage")).data)[65_535], 255 - i);
      }
      const d = new End(engine, "D", "controlling");
      d.connect(b, "server");
      b.connect(d, "client");
      d.transport.openDataChannel(channelOf(0));
      const announced = await b.next("channelannounced");
      await other.stop();
      b.transport.sendData(announced.channel, false, new TextEncoder().encode("still here").buffer);
      assert.equal(new TextDecoder().decode((await d.next("channelmessage")).data), "still here");
      await d.transport.close();
    } finally {
      await other.stop();
    }
  });
});
