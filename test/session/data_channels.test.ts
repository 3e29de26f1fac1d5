/** Data channels between two transports over real sockets, DTLS and SCTP. */
import assert from "node:assert/strict";
import { native } from "../../native/addon.js";
import { MediaEngine } from "../../src/media/engine.js";
import type { DataEvent, MediaTransport, OpenChannel } from "../../src/media/transport_api.js";

const channelOf = (channel: number, more: Partial<OpenChannel> = {}): OpenChannel => ({
  channel,
  negotiated: false,
  ordered: true,
  priority: 256,
  label: "",
  protocol: "",
  ...more,
});

type Kind = DataEvent["type"];
type EventOf<T extends Kind> = Extract<DataEvent, { type: T }>;

/** A transport and what it tells, each event to be awaited once. */
class End {
  readonly transport: MediaTransport;
  readonly fingerprint: string;
  readonly ice: { usernameFragment: string; password: string };
  readonly #events: DataEvent[] = [];
  readonly #waiters: (() => void)[] = [];

  constructor(engine: MediaEngine, name: string) {
    const certificate = native.Certificate.generate();
    this.fingerprint = certificate.fingerprint("sha-256");
    this.ice = { usernameFragment: `ufrag${name}`, password: `password+of+the+peer+called+${name}` };
    this.transport = engine.createTransport({
      iceRole: name === "A" ? "controlling" : "controlled",
      local: this.ice,
      stunServers: [],
      certificatePem: certificate.certificatePem,
      privateKeyPem: certificate.privateKeyPem,
      settings: { bindAddresses: ["127.0.0.1"] },
    });
    this.transport.on("data", (event) => {
      this.#events.push(event);
      for (const wake of this.#waiters.splice(0)) wake();
    });
  }

  connect(peer: End, role: "client" | "server", data = true): void {
    const { transport } = this;
    peer.transport.on("candidate", ({ candidate }) => transport.addRemoteCandidate(candidate));
    transport.setRemoteIceParameters(peer.ice, false);
    if (data) this.startData();
    transport.startDtls(role, [{ algorithm: "sha-256", value: peer.fingerprint }]);
    transport.gather();
  }

  startData(): void {
    this.transport.startData({ localPort: 5000, remotePort: 5000, maxMessageBytes: 262_144 });
  }

  async next<T extends Kind>(type: T): Promise<EventOf<T>> {
    for (;;) {
      const at = this.#events.findIndex((event) => event.type === type);
      if (at >= 0) return this.#events.splice(at, 1)[0] as EventOf<T>;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}

describe("data channels of two transports", function () {
  this.timeout(30_000);
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
    a = new End(engine, "A");
    b = new End(engine, "B");
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

  it("end with the transport of the peer, without an error", async () => {
    connect();
    a.transport.openDataChannel(channelOf(0));
    await b.next("channelannounced");
    await a.transport.close();
    const [closed, ended] = [await b.next("channelclosed"), await b.next("dataclosed")];
    assert.deepEqual([closed.error, ended.error], ["", ""]);
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

  it("are refused to a second engine of the process, which has no owner's right", async () => {
    const other = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 240, frameRate: 30, noise: false, tag: 1 },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
      warmUp: false,
    });
    try {
      connect();
      await a.next("dataconnected");
      const [c, d] = [new End(other, "A"), new End(other, "B")];
      c.connect(d, "server");
      d.connect(c, "client");
      c.transport.openDataChannel(channelOf(0));
      assert.match((await c.next("channelclosed")).error, /another thread owns/);
    } finally {
      await other.stop();
    }
  });
});
