/** Connections that stay on 127.0.0.1, and what tests wait for. */
import { type RTCDataChannel, RTCPeerConnection } from "../../src/webrtc/index.js";
import { nextEvent } from "../webrtc/fake_transport.js";

/** A machine that does much else at once may take its time. */
export const patient = { timeoutMs: 25_000 } as const;

export const loopbackOnly = { transport: { bindAddresses: ["127.0.0.1"] } } as const;

export function loopbackConnection(): RTCPeerConnection {
  return new RTCPeerConnection({}, loopbackOnly);
}

/** What the channel says next, as text. */
export async function nextMessage(channel: RTCDataChannel): Promise<string> {
  const { data } = await nextEvent<MessageEvent>(channel, "message");
  return String(data);
}

/** Sends back what every channel of the peer says. */
export function echo(connection: RTCPeerConnection): RTCPeerConnection {
  connection.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(`echo of ${data}`);
  };
  return connection;
}
