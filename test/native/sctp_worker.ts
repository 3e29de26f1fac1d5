/** Body of a worker thread that opens data channels over and over: two ends in one thread, packets handed across. */
import { parentPort, workerData } from "node:worker_threads";
import { native } from "../../native/addon.js";
import { DataSession } from "../../src/media/session/data_session.js";
import { SctpClock } from "../../src/media/session/sctp_clock.js";

interface Assignment {
  /** Associations to set up, one after the other; Infinity until terminated. */
  readonly rounds: number;
  readonly worker: number;
}

const { rounds, worker } = workerData as Assignment;
const options = { port: 5000, maxPacketBytes: 1160, maxMessageBytes: 1 << 20, streams: 64 };
const CHANNEL = { ordered: true, priority: 256, protocol: "", negotiated: false };
const MESSAGES = 12;
const LIMIT_US = 20e6;
const packet = new Uint8Array(2048);
const clock = new SctpClock((elapsedMs) => native.sctpHandleTimers(elapsedMs));

function carry(from: DataSession, to: DataSession): void {
  for (let length = from.takePacket(packet); length > 0; length = from.takePacket(packet)) {
    to.handlePacket(packet.subarray(0, length));
  }
}

/** Opens a channel and sends messages through it; what went wrong, "" for nothing. */
function converse(client: DataSession, server: DataSession, round: number): string {
  client.open({ ...CHANNEL, channel: 0, label: `${worker}/${round}` });
  for (let i = 0; i < MESSAGES; i++) client.send(0, true, new Uint8Array(20_000).fill(worker * 16 + i));
  let received = 0;
  for (const startedUs = native.monotonicUs(); received < MESSAGES; ) {
    const nowUs = native.monotonicUs();
    if (nowUs - startedUs > LIMIT_US) return `${received} of ${MESSAGES} messages came`;
    if (clock.advance(2, nowUs)) for (const end of [client, server]) end.afterTimers();
    carry(client, server);
    carry(server, client);
    while (client.pollEvent() !== undefined);
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      if (event.type === "channelannounced" && event.open.label !== `${worker}/${round}`) {
        return `the channel ${event.open.label} of another`;
      }
      if (event.type !== "channelmessage") continue;
      const bytes = new Uint8Array(event.data);
      if (bytes.length !== 20_000 || bytes.some((byte) => byte !== worker * 16 + received)) {
        return `message ${received} is not what was sent`;
      }
      received++;
    }
  }
  return "";
}

let failure = "";
for (let round = 0; round < rounds && failure === ""; round++) {
  const [client, server] = (["client", "server"] as const).map(
    (dtlsRole) => new DataSession({ ...options, dtlsRole }),
  );
  if (round === 0) parentPort?.postMessage("started");
  failure = converse(client, server, round);
  client.destroy();
  server.destroy();
}
parentPort?.postMessage(failure === "" ? "done" : failure);
