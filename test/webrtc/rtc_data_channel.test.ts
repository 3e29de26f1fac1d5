/** Data channels through the API (WebRTC 1.0 §6), over an engine that only records. */
import assert from "node:assert/strict";
import {
  RTCDataChannel,
  type RTCDataChannelEvent,
  type RTCDataChannelInit,
  type RTCErrorEvent,
} from "../../src/webrtc/index.js";
import { transportStats } from "./engine_stats.js";
import { closeAll, connection, negotiate, nextEvent, tasks } from "./fake_transport.js";

afterEach(closeAll);

const dom = (name: string) => ({ name });

/** Two connections whose descriptions have data channels. */
async function pair(init: RTCDataChannelInit = {}) {
  const [a, b] = [connection(), connection()];
  const channel = a.pc.createDataChannel("chat", init);
  await negotiate(a.pc, b.pc);
  const { transport } = a.engine;
  const handle = (transport.called("openDataChannel")[0]?.[0] as { channel: number }).channel;
  return { a, b, channel, handle, transport };
}

async function openPair(init: RTCDataChannelInit = {}) {
  const all = await pair(init);
  all.transport.emit("data", { type: "dataconnected", maxChannels: 1024 });
  all.transport.emit("data", { type: "channelopen", channel: all.handle, streamId: 0 });
  return all;
}

describe("createDataChannel (§6.1)", () => {
  it("gives a connecting channel with the defaults", () => {
    const channel = connection().pc.createDataChannel("a");
    assert.ok(channel instanceof RTCDataChannel);
    const { label, ordered, maxPacketLifeTime, maxRetransmits, protocol, negotiated, id } = channel;
    assert.deepEqual(
      { label, ordered, maxPacketLifeTime, maxRetransmits, protocol, negotiated, id },
      {
        label: "a",
        ordered: true,
        maxPacketLifeTime: null,
        maxRetransmits: null,
        protocol: "",
        negotiated: false,
        id: null,
      },
    );
    assert.deepEqual(
      [channel.readyState, channel.binaryType, channel.bufferedAmount, channel.bufferedAmountLowThreshold],
      ["connecting", "arraybuffer", 0, 0],
    );
  });

  for (const [what, label, init] of [
    ["both limits", "", { maxRetransmits: 0, maxPacketLifeTime: 0 }],
    ["a negotiated channel without id", "", { negotiated: true }],
    ["the id 65535", "", { negotiated: true, id: 65_535 }],
    ["an id out of range", "", { id: 65_536 }],
    ["negative retransmits", "", { maxRetransmits: -1 }],
    ["a long label", "l".repeat(65_536), {}],
    ["a long protocol", "", { protocol: "ü".repeat(32_768) }],
  ] as const) {
    it(`throws TypeError for ${what}`, () => {
      assert.throws(() => connection().pc.createDataChannel(label, init), TypeError);
    });
  }

  it("takes the longest label, an id for negotiated channels only, and each id once", () => {
    const { pc } = connection();
    assert.equal(pc.createDataChannel("l".repeat(65_535)).label.length, 65_535);
    assert.equal(pc.createDataChannel("", { id: 7 }).id, null);
    assert.equal(pc.createDataChannel("", { negotiated: true, id: 7 }).id, 7);
    assert.throws(() => pc.createDataChannel("", { negotiated: true, id: 7 }), dom("OperationError"));
  });

  it("throws InvalidStateError on a closed connection", () => {
    const { pc } = connection();
    pc.close();
    assert.throws(() => pc.createDataChannel(""), dom("InvalidStateError"));
  });

  it("asks for negotiation once, and not again when it is settled", async () => {
    const { pc } = connection();
    let asked = 0;
    pc.onnegotiationneeded = () => asked++;
    pc.createDataChannel("a");
    pc.createDataChannel("b");
    await tasks();
    assert.equal(asked, 1);
    await negotiate(pc, connection().pc);
    pc.createDataChannel("c");
    await tasks();
    assert.equal(asked, 1);
  });
});

describe("RTCDataChannel (§6.2)", () => {
  it("opens with its stream's id", async () => {
    const { channel, transport, handle, a } = await pair({
      ordered: false,
      maxRetransmits: 3,
      protocol: "p",
    });
    const [[asked]] = transport.called("openDataChannel");
    assert.deepEqual(asked, {
      channel: handle,
      label: "chat",
      protocol: "p",
      ordered: false,
      negotiated: false,
      priority: 256,
      streamId: 1,
      maxRetransmits: 3,
    });
    transport.emit("data", { type: "dataconnected", maxChannels: 1024 });
    assert.deepEqual([a.pc.sctp?.state, a.pc.sctp?.maxChannels], ["connected", 1024]);
    const opened = nextEvent(channel, "open");
    transport.emit("data", { type: "channelopen", channel: handle, streamId: 1 });
    await opened;
    assert.deepEqual([channel.readyState, channel.id], ["open", 1]);
  });

  it("has its id as soon as the DTLS role is known, of our parity, and none that is taken", async () => {
    const { a, b } = { a: connection(), b: connection() };
    const early = a.pc.createDataChannel("early");
    const agreed = a.pc.createDataChannel("agreed", { negotiated: true, id: 3 });
    assert.equal(early.id, null);
    await negotiate(a.pc, b.pc);
    assert.deepEqual([early.id, agreed.id], [1, 3]);
    assert.deepEqual([a.pc.createDataChannel("").id, b.pc.createDataChannel("").id], [5, 0]);
    assert.throws(() => a.pc.createDataChannel("", { negotiated: true, id: 5 }), { name: "OperationError" });
  });

  it("closes channels whose ids the association does not have, and gives no more of them", async () => {
    const { a, b } = { a: connection(), b: connection() };
    const [first, second] = [a.pc.createDataChannel("1"), a.pc.createDataChannel("2")];
    await negotiate(a.pc, b.pc);
    const closed = nextEvent(second, "close");
    a.engine.transport.emit("data", { type: "dataconnected", maxChannels: 2 });
    await closed;
    assert.deepEqual([first.readyState, second.readyState], ["connecting", "closed"]);
    assert.throws(() => a.pc.createDataChannel("3"), { name: "OperationError" });
  });

  it("refuses to send unless open", async () => {
    const { channel } = await pair();
    assert.throws(() => channel.send("x"), dom("InvalidStateError"));
  });

  it("sends strings, bytes, parts of bytes, and what converts to a string", async () => {
    const { channel, transport, handle } = await openPair();
    const bytes = Uint8Array.of(1, 2, 3, 4);
    channel.send("grüß");
    channel.send(bytes);
    channel.send(bytes.subarray(1, 3));
    channel.send(bytes.buffer);
    channel.send(new DataView(bytes.buffer, 3));
    channel.send("");
    channel.send(7 as unknown as string);
    assert.equal(channel.bufferedAmount, 6 + 4 + 2 + 4 + 1 + 1);
    const sent = transport.called("sendData").map(([to, binary, data]) => {
      assert.equal(to, handle);
      return [binary, Buffer.from(data as ArrayBuffer).toString("hex")];
    });
    assert.deepEqual(sent, [
      [false, Buffer.from("grüß").toString("hex")],
      [true, "01020304"],
      [true, "0203"],
      [true, "01020304"],
      [true, "04"],
      [false, ""],
      [false, "37"],
    ]);
    assert.equal(bytes.byteLength, 4, "the application keeps its bytes");
  });

  it("keeps the order behind a Blob, and closes after it", async () => {
    const { channel, transport } = await openPair();
    channel.send(new Blob(["blob"]));
    channel.send("after");
    channel.close();
    assert.equal(channel.bufferedAmount, 9);
    assert.deepEqual(transport.called("closeDataChannel"), []);
    while (transport.called("closeDataChannel").length === 0) await tasks(1);
    const sent = transport
      .called("sendData")
      .map(([, binary, data]) => [binary, Buffer.from(data as ArrayBuffer)]);
    assert.deepEqual(sent, [
      [true, Buffer.from("blob")],
      [false, Buffer.from("after")],
    ]);
  });

  it("refuses what the peer does not take, and more than fits", async () => {
    const { channel } = await openPair();
    assert.throws(() => channel.send(new Uint8Array(262_145)), TypeError);
    assert.throws(() => channel.send(new Blob([new Uint8Array(262_145)])), TypeError);
    const full = new Uint8Array(262_144);
    for (let i = 0; i < 256; i++) channel.send(full);
    assert.throws(() => channel.send("x"), dom("OperationError"));
    assert.equal(channel.bufferedAmount, 64 << 20);
  });

  it("tells when the buffered amount falls to the threshold, once", async () => {
    const { channel, transport, handle } = await openPair();
    let low = 0;
    channel.onbufferedamountlow = () => low++;
    channel.bufferedAmountLowThreshold = 10;
    channel.send("x".repeat(30));
    for (const [bytes, expected] of [
      [15, 0],
      [5, 1],
      [5, 1],
    ]) {
      transport.emit("data", { type: "channelsent", channel: handle, bytes });
      assert.equal(low, expected);
    }
    assert.equal(channel.bufferedAmount, 5);
  });

  it("receives strings, buffers and Blobs", async () => {
    const { channel, transport, handle } = await openPair();
    const got: unknown[] = [];
    channel.onmessage = ({ data }) => got.push(data);
    const give = (binary: boolean, text: string) => {
      const data = new TextEncoder().encode(text).buffer;
      transport.emit("data", { type: "channelmessage", channel: handle, binary, data });
    };
    give(false, "grüß");
    give(true, "ab");
    channel.binaryType = "blob";
    channel.binaryType = "nonsense" as "blob";
    give(true, "cd");
    give(false, "");
    assert.equal(got[0], "grüß");
    assert.ok(got[1] instanceof ArrayBuffer && got[1].byteLength === 2);
    assert.ok(got[2] instanceof Blob && (await got[2].text()) === "cd");
    assert.equal(got[3], "");
  });

  it("closes: closing at once, closed with its event, nothing received in between", async () => {
    const { channel, transport, handle } = await openPair();
    let received = 0;
    channel.onmessage = () => received++;
    channel.onerror = () => assert.fail("no error");
    const closed = nextEvent(channel, "close");
    channel.close();
    channel.close();
    assert.equal(channel.readyState, "closing");
    assert.throws(() => channel.send("x"), dom("InvalidStateError"));
    transport.emit("data", {
      type: "channelmessage",
      channel: handle,
      binary: true,
      data: new ArrayBuffer(1),
    });
    transport.emit("data", { type: "channelclosed", channel: handle, error: "" });
    await closed;
    assert.deepEqual([channel.readyState, received], ["closed", 0]);
    assert.deepEqual(transport.called("closeDataChannel"), [[handle]]);
  });

  it("closes before there is a transport", async () => {
    const channel = connection().pc.createDataChannel("");
    const closed = nextEvent(channel, "close");
    channel.close();
    assert.equal(channel.readyState, "closing");
    await closed;
  });

  it("follows the peer's close: closing, then close", async () => {
    const { channel, transport, handle } = await openPair();
    const events: string[] = [];
    for (const name of ["closing", "close", "error"]) {
      channel.addEventListener(name, () => events.push(`${name} ${channel.readyState}`));
    }
    transport.emit("data", { type: "channelclosing", channel: handle });
    transport.emit("data", { type: "channelclosed", channel: handle, error: "" });
    assert.deepEqual(events, ["closing closing", "close closed"]);
  });

  it("fails with the association: error, then close", async () => {
    const { a, channel, transport } = await openPair();
    const failed = nextEvent<RTCErrorEvent>(channel, "error");
    const closed = nextEvent(channel, "close");
    transport.emit("data", { type: "dataclosed", error: "gone", sctpCauseCode: 12 });
    const { error } = await failed;
    assert.deepEqual([error.name, error.errorDetail], ["OperationError", "sctp-failure"]);
    assert.deepEqual([error.message, error.sctpCauseCode], ["gone", 12]);
    await closed;
    assert.equal(a.pc.sctp?.state, "closed");
  });

  it("announces the peer's channels: datachannel, then open", async () => {
    const { b } = await openPair();
    const events: string[] = [];
    b.pc.ondatachannel = ({ channel }: RTCDataChannelEvent) => {
      const { label, protocol, id, ordered, maxPacketLifeTime, maxRetransmits, readyState } = channel;
      events.push("datachannel");
      assert.deepEqual(
        { label, protocol, id, ordered, maxPacketLifeTime, maxRetransmits, readyState },
        {
          label: "l",
          protocol: "p",
          id: 6,
          ordered: false,
          maxPacketLifeTime: 50,
          maxRetransmits: null,
          readyState: "open",
        },
      );
      channel.onopen = () => events.push("open");
    };
    const open = { label: "l", protocol: "p", ordered: false, maxPacketLifeTimeMs: 50, priority: 256 };
    b.engine.transport.emit("data", { type: "channelannounced", channel: 1, streamId: 6, open });
    assert.deepEqual(events, ["datachannel", "open"]);
  });

  it("is closed without an event when the connection is", async () => {
    const { a, channel, transport, handle } = await openPair();
    for (const name of ["close", "error", "message", "closing"] as const) {
      channel.addEventListener(name, () => assert.fail(name));
    }
    a.pc.close();
    assert.deepEqual([channel.readyState, a.pc.sctp?.state], ["closed", "closed"]);
    transport.emit("data", {
      type: "channelmessage",
      channel: handle,
      binary: true,
      data: new ArrayBuffer(1),
    });
    transport.emit("data", { type: "channelclosed", channel: handle, error: "" });
    await tasks();
  });

  it("is counted in getStats", async () => {
    const { a, channel, transport, handle } = await openPair();
    transport.stats = transportStats();
    channel.send("abc");
    transport.emit("data", {
      type: "channelmessage",
      channel: handle,
      binary: true,
      data: new ArrayBuffer(5),
    });
    const stats = [...(await a.pc.getStats()).values()];
    const entry = stats.find(({ type }) => type === "data-channel");
    assert.ok(entry?.type === "data-channel");
    const { label, state, messagesSent, bytesSent, messagesReceived, bytesReceived } = entry;
    assert.deepEqual(
      [label, state, entry.dataChannelIdentifier, messagesSent, bytesSent, messagesReceived, bytesReceived],
      ["chat", "open", 0, 1, 3, 1, 5],
    );
    const connectionEntry = stats.find(({ type }) => type === "peer-connection");
    assert.ok(connectionEntry?.type === "peer-connection" && connectionEntry.dataChannelsOpened === 1);
  });
});
