/** werift: all in TypeScript, on the process's one thread. */
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket } from "werift";
import { installedVersion } from "../installed_version.mjs";
import { measureFlow } from "../rtp_flow.mjs";
import { W3cEnd } from "../w3c_end.mjs";
import { W3cPair } from "../w3c_pair.mjs";

export async function openStack(address) {
  const loopback = address === "127.0.0.1";
  const configuration = {
    iceServers: [],
    iceUseIpv6: false,
    ...(loopback ? { iceAdditionalHostAddresses: [address] } : {}),
  };
  const create = () => new RTCPeerConnection(configuration);
  return {
    title: `werift ${installedVersion("werift")}`,
    createPair: () => new W3cPair(create),
    createEnd: (offers, onCandidate) => new W3cEnd(create(), offers, onCandidate),
    srtp: (options) => srtp(create, options),
  };
}

async function srtp(create, { seconds, payloadBytes }) {
  const pair = new W3cPair(create);
  const track = new MediaStreamTrack({ kind: "audio" });
  const { sender } = pair.answerer.addTransceiver(track, { direction: "sendonly" });
  let count = () => {};
  pair.offerer.ontrack = ({ track: remote }) => remote.onReceiveRtp.subscribe(() => count());
  await pair.connect();
  const payload = Buffer.alloc(payloadBytes, 0x55);
  let sequenceNumber = 0;
  const result = await measureFlow(seconds, {
    send: () => {
      const header = new RtpHeader({ sequenceNumber, timestamp: 960 * sequenceNumber, payloadType: 96 });
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      return sender.sendRtp(new RtpPacket(header, payload));
    },
    onReceived: (listener) => {
      count = listener;
    },
  });
  await pair.close();
  return { ...result, how: "sender.sendRtp to track.onReceiveRtp" };
}
