/** The sending thread of roomrtc_srtp.mjs: frames of 64 packets, as long as few enough are on their way. */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { native } from "../../dist/native/addon.js";
import { SendTransport } from "../../dist/src/media/session/send_transport.js";
import {
  allocateCounters,
  SendCounters,
  TransportCounters,
} from "../../dist/src/media/session/stream_counters.js";
import { systemRandom } from "../../dist/src/media/session/system_random.js";

const PACKETS = 64;
/** The receive buffer is 2 MiB asked for; the kernel gives what net.core.rmem_max allows (208 KiB by default). */
const WINDOW = 128;
const LOST_AFTER_MS = 50;

const { keys, route, payloadBytes } = workerData;
const shared = new Int32Array(workerData.shared);
const socket = native.UdpSocket.attach(route.fd);
// 2 bytes of each payload are the FU header (RFC 6184 §5.8).
const picture = new Uint8Array(PACKETS * (payloadBytes - 2)).fill(0x55);
picture.set([0, 0, 0, 1, 0x65]);
const transportCounters = new Float64Array(allocateCounters(TransportCounters.words));
// Fixed header, the two extensions' block and the authentication tag come on top of the payload.
const transport = new SendTransport({
  maxPacketBytes: payloadBytes + 12 + 20 + 16,
  random: systemRandom,
  wallOffsetUs: 0,
  counters: transportCounters,
  createSrtp: (srtpKeys) => new native.SrtpContext(srtpKeys),
  onKeyframeNeeded: () => {},
});
const options = {
  kind: "video",
  mid: "0",
  ssrc: 7,
  cname: "bench",
  codec: "H264",
  payloadType: 96,
  clockRate: 90_000,
  packetizationMode: 1,
  extensions: { mid: 1, absCaptureTime: 2 },
  nack: true,
  reducedSizeRtcp: true,
};
transport.addStream(1, options, new Float64Array(allocateCounters(SendCounters.words)));
transport.setKeys(keys);
transport.setRoute(route, socket);
parentPort.postMessage("ready");
await once(parentPort, "message");

let lost = 0;
while (Atomics.load(shared, 2) === 0) {
  const received = Atomics.load(shared, 0);
  const sent = transportCounters[TransportCounters.packetsSent];
  if (sent - lost - received <= WINDOW - PACKETS) {
    const nowUs = native.monotonicUs();
    const frame = {
      bytes: picture,
      length: picture.length,
      captureTimeUs: nowUs,
      codec: "H264",
      keyframe: true,
    };
    transport.sendFrame("video", { ...frame, rtpTimestamp: 0, durationUs: 0 }, nowUs);
    Atomics.store(shared, 1, transportCounters[TransportCounters.packetsSent]);
  } else if (Atomics.wait(shared, 0, received, LOST_AFTER_MS) === "timed-out") {
    lost = sent - Atomics.load(shared, 0);
  }
}
transport.close();
socket.close();
parentPort.close();
