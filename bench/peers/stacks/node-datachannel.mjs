/** libdatachannel by way of node-datachannel. */
import datachannel from "node-datachannel";
import { installedVersion } from "../installed_version.mjs";
import { DataEnd } from "../libdatachannel_end.mjs";
import { measureFlow, writeRtpHeader } from "../rtp_flow.mjs";

const { Audio, PeerConnection } = datachannel;
const SSRC = 42;

export async function openStack(address) {
  const create = (name) => new PeerConnection(name, { iceServers: [], bindAddress: address });
  return {
    title: `node-datachannel ${installedVersion("node-datachannel")}`,
    createPair: () => new Pair(create, "RecvOnly"),
    createEnd: (offers, onCandidate) => new DataEnd(create("end"), offers, onCandidate),
    srtp: (options) => srtp(create, options),
    close: () => datachannel.cleanup(),
  };
}

class Pair {
  constructor(create, direction) {
    this.offerer = create("offerer");
    this.answerer = create("answerer");
    exchange(this.offerer, this.answerer);
    exchange(this.answerer, this.offerer);
    const audio = new Audio("0", direction);
    audio.addOpusCodec(111);
    if (direction === "SendOnly") audio.addSSRC(SSRC, "bench");
    this.answerer.onTrack((track) => {
      this.received = track;
    });
    this.track = this.offerer.addTrack(audio);
  }

  /** setLocalDescription is its createOffer. */
  async connect() {
    const both = Promise.all([whenConnected(this.offerer), whenConnected(this.answerer)]);
    this.offerer.setLocalDescription();
    await both;
  }

  close() {
    this.offerer.close();
    this.answerer.close();
  }
}

function exchange(from, to) {
  from.onLocalDescription((sdp, type) => to.setRemoteDescription(sdp, type));
  from.onLocalCandidate((candidate, mid) => to.addRemoteCandidate(candidate, mid));
}

function whenConnected(connection) {
  return new Promise((resolve, reject) => {
    connection.onStateChange((state) => {
      if (state === "connected") resolve();
      if (state === "failed") reject(new Error("the connection failed"));
    });
  });
}

async function srtp(create, { seconds, payloadBytes }) {
  const pair = new Pair(create, "SendOnly");
  await pair.connect();
  const packet = Buffer.alloc(12 + payloadBytes, 0x55);
  let sequenceNumber = 0;
  const result = await measureFlow(seconds, {
    send: () => {
      writeRtpHeader(packet, 111, sequenceNumber, SSRC);
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      pair.track.sendMessageBinary(packet);
    },
    onReceived: (listener) => pair.received.onMessage(listener),
  });
  pair.close();
  return { ...result, how: "track.sendMessageBinary to track.onMessage" };
}
