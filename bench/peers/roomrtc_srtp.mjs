/**
 * RoomRTC's SRTP path by its engine's own sessions, as the engine's receiver and sender threads use them: ICE and DTLS
 * between two TransportSessions, then video frames of 64 packets by a SendTransport in a thread of its own, received in
 * this one (unprotected, parsed, put in order and assembled to frames, which the other stacks do not do).
 */
import { Worker } from "node:worker_threads";
import { DatagramTable, native } from "../../dist/native/addon.js";
import { DatagramCursor } from "../../dist/src/media/session/datagram_cursor.js";
import { DtlsSession } from "../../dist/src/media/session/dtls_session.js";
import {
  allocateCounters,
  ReceiveCounters,
  TransportCounters,
} from "../../dist/src/media/session/stream_counters.js";
import { hmacSha1, systemRandom } from "../../dist/src/media/session/system_random.js";
import { TransportSession } from "../../dist/src/media/session/transport_session.js";
import { TransportSockets } from "../../dist/src/media/session/transport_sockets.js";
import { IceAgent } from "../../dist/src/protocol/ice/index.js";

const CONNECT_LIMIT_MS = 5_000;
/** How long the counter is left alone while packets are read: it is what lets the sender go on. */
const WAIT_US = 2_000;

const incoming = {
  kind: "video",
  mid: "0",
  payloadTypes: [{ payloadType: 96, codec: "H264", clockRate: 90_000 }],
  ssrcs: [],
  extensions: { mid: 1, absCaptureTime: 2 },
  nack: true,
  localSsrc: 3,
  reducedSizeRtcp: true,
};

class End {
  counters = new Float64Array(allocateCounters(TransportCounters.words));
  received = new Float64Array(allocateCounters(ReceiveCounters.words));
  certificate = native.Certificate.generate();
  parameters = { usernameFragment: `bench${systemRandom.uint32()}`, password: `a+password+of+the+bench` };
  candidates = [];
  slab = new Uint8Array(16 * 65_536);
  table = new Int32Array(16 * 128 * DatagramTable.words);
  cursor = new DatagramCursor(this.slab, this.table);

  constructor(poller, role, address) {
    this.sockets = new TransportSockets(poller);
    this.sockets.bind({ bindAddresses: [address] }, () => systemRandom.uint32());
    this.ice = new IceAgent({
      role,
      local: this.parameters,
      tieBreaker: BigInt(systemRandom.uint32()),
      random: systemRandom,
      hmacSha1,
    });
    const room = new Uint8Array(1 << 20);
    this.session = new TransportSession({
      ice: this.ice,
      dtls: new DtlsSession({
        certificate: this.certificate,
        createDtls: (options) => new native.DtlsTransport(options),
      }),
      sinks: {
        videoRoom: () => room,
        publishVideo: () => {},
        audio: () => true,
        arrival: () => {},
        rtcp: () => {},
      },
      createSrtp: (keys) => new native.SrtpContext(keys),
      writer: this.sockets,
      counters: this.counters,
    });
    this.sockets.list.forEach(({ family, address: bound, port }, id) => {
      this.ice.addLocalHost(id, { family, address: bound, port });
    });
    this.ice.endLocalHosts();
    this.advance();
  }

  start(peer, role) {
    this.session.setRemoteIceParameters(peer.parameters, false);
    for (const candidate of peer.candidates) this.session.addRemoteCandidate(candidate);
    this.session.endOfRemoteCandidates();
    this.session.addReceiveStream(1, incoming, this.received);
    const fingerprint = { algorithm: "sha-256", value: peer.certificate.fingerprint("sha-256") };
    this.session.startDtls(role, [fingerprint], native.monotonicUs());
  }

  /** Takes what has arrived and does what is due. */
  advance() {
    const nowUs = native.monotonicUs();
    this.sockets.list.forEach((socket, id) => {
      const count = socket.receive(this.slab, this.table);
      for (let entry = 0; entry < count; entry++) {
        this.cursor.moveTo(entry, id);
        this.session.handleDatagram(this.cursor, nowUs);
      }
    });
    this.session.deliver(nowUs);
    if (this.session.nextDeadlineUs() <= nowUs) this.session.handleTimeout(nowUs);
    for (let output = this.session.pollOutput(); output; output = this.session.pollOutput())
      this.#act(output);
  }

  #act(output) {
    if (output.type === "transmit") this.sockets.send(output.socketId, output.to, output.data);
    else if (output.type === "keys") this.keys = output.keys;
    else if (output.type === "route")
      this.route = { fd: this.sockets.list[output.socketId].fd, ...output.to };
    else if (output.type === "notice" && output.notice.event === "candidate")
      this.candidates.push(output.notice.args[0].candidate);
  }

  close() {
    this.session.close();
    this.sockets.close();
  }
}

export async function measureSrtp(address, { seconds, payloadBytes }) {
  const poller = new native.UdpPoller();
  const sender = new End(poller, "controlling", address);
  const receiver = new End(poller, "controlled", address);
  connect(poller, sender, receiver);
  // Words: packets received, packets sent, the sender may stop.
  const shared = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(new URL("./roomrtc_srtp_sender.mjs", import.meta.url), {
    workerData: { keys: sender.keys, route: sender.route, payloadBytes, shared: shared.buffer },
  });
  await new Promise((resolve) => worker.once("message", resolve));
  const cpu = process.cpuUsage();
  const from = performance.now();
  worker.postMessage("go");
  while (performance.now() - from < 1000 * seconds) {
    poller.wait(WAIT_US);
    receiver.advance();
    sender.advance();
    Atomics.store(shared, 0, receiver.received[ReceiveCounters.packetsReceived]);
    Atomics.notify(shared, 0);
  }
  const took = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  Atomics.store(shared, 2, 1);
  await new Promise((resolve) => worker.once("exit", resolve));
  const [received, sent] = [shared[0], shared[1]];
  for (const end of [sender, receiver]) end.close();
  poller.close();
  return {
    sent,
    received,
    seconds: took,
    cpuUs: user + system,
    how: "the engine's sessions, a thread each way",
  };
}

function connect(poller, a, b) {
  a.start(b, "server");
  b.start(a, "client");
  const until = performance.now() + CONNECT_LIMIT_MS;
  while (a.keys === undefined || b.keys === undefined || a.route === undefined) {
    if (performance.now() > until) throw new Error("the sessions did not connect");
    poller.wait(1_000);
    a.advance();
    b.advance();
  }
}
