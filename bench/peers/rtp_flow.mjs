/** Sends RTP packets as fast as a stack takes them and delivers them, with a bounded number on the way. */

/** Packets on the way at most: what a socket's default buffer (208 KiB on Linux) holds. */
const WINDOW = 64;
/** Sent between two looks at the event loop. */
const BURST = 32;
/** Without a packet for this long, those on the way are lost. */
const LOST_AFTER_MS = 50;

export async function measureFlow(seconds, { send, onReceived }) {
  let sent = 0;
  let received = 0;
  onReceived(() => received++);
  const limit = { base: 0 };
  const cpu = process.cpuUsage();
  const from = performance.now();
  const until = from + 1000 * seconds;
  let progressAt = from;
  let seen = 0;
  for (let now = from; now < until; now = performance.now()) {
    for (let i = 0; i < BURST && sent - limit.base - received < WINDOW; i++) {
      const accepted = send();
      if (accepted instanceof Promise) await accepted;
      sent++;
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (received !== seen) {
      seen = received;
      progressAt = performance.now();
    } else if (performance.now() - progressAt > LOST_AFTER_MS) {
      limit.base = sent - received;
      progressAt = performance.now();
    }
  }
  const took = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { sent, received, seconds: took, cpuUs: user + system };
}

/** RFC 3550 §5.1; one Opus frame of 20 ms a packet. */
export function writeRtpHeader(packet, payloadType, sequenceNumber, ssrc) {
  packet[0] = 0x80;
  packet[1] = payloadType;
  packet.writeUInt16BE(sequenceNumber, 2);
  packet.writeUInt32BE((960 * sequenceNumber) >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
}
