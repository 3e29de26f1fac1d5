/**
 * Data channels: opened and closed from either side, and a large transfer with flow control, so that the sender never holds
 * more than a megabyte.
 *
 *   node dist/examples/data-channels.js
 */
import type { RTCDataChannel } from "roomrtc";
import { servePage } from "./page/serve.js";

const client = `
  import { button, call, progress, say } from "/page.js";
  const pc = new RTCPeerConnection();
  let talk = pc.createDataChannel("talk");
  const listen = () => {
    talk.onopen = () => say("talk is open");
    talk.onmessage = ({ data }) => say("the program: " + data);
    talk.onclose = () => say("talk is closed");
  };
  listen();
  button("Say something", () => talk.send("It is " + new Date().toLocaleTimeString()));
  button("Close the channel", () => talk.close());
  button("Let the program close it", () => talk.send("bye"));
  button("Open another", () => { talk = pc.createDataChannel("talk"); listen(); });
  const fill = progress();
  button("Fetch 8 MB", () => new Promise((resolve) => {
    const file = pc.createDataChannel("file", { ordered: true });
    file.binaryType = "arraybuffer";
    const start = performance.now();
    let received = 0, length = 0;
    file.onmessage = ({ data }) => {
      if (typeof data === "string") length = Number(data);
      else fill((received += data.byteLength) / length);
    };
    file.onclose = () => {
      const seconds = (performance.now() - start) / 1000;
      say(received + " of " + length + " bytes in " + seconds.toFixed(1) + " s");
      resolve();
    };
  }));
  await call(pc);
`;

const FILE_BYTES = 8 * 1024 * 1024;
const MESSAGE_BYTES = 64 * 1024;
const HIGH_WATER_BYTES = 1024 * 1024;

/** Sends while less than a megabyte waits, and goes on when a quarter is left of it. */
function sendFile(channel: RTCDataChannel): void {
  channel.bufferedAmountLowThreshold = HIGH_WATER_BYTES / 4;
  const piece = new Uint8Array(MESSAGE_BYTES);
  let sent = 0;
  let waits = 0;
  let most = 0;
  const fill = () => {
    while (sent < FILE_BYTES && channel.bufferedAmount < HIGH_WATER_BYTES) {
      channel.send(piece);
      sent += piece.length;
      most = Math.max(most, channel.bufferedAmount);
    }
    if (sent < FILE_BYTES) waits++;
    else {
      channel.removeEventListener("bufferedamountlow", fill);
      console.log(`sent ${sent} bytes; waited ${waits} times; never more than ${most} bytes waiting`);
      channel.close(); // what waits is still sent
    }
  };
  channel.addEventListener("bufferedamountlow", fill);
  channel.send(String(FILE_BYTES));
  fill();
}

function talk(channel: RTCDataChannel): void {
  console.log(`channel ${channel.id} is open`);
  channel.onmessage = ({ data }) => {
    if (data === "bye") channel.close();
    else channel.send(`I heard: ${data}`);
  };
  channel.onclose = () => console.log(`channel ${channel.id} is closed`);
}

await servePage({
  title: "Data channels",
  about:
    "Open and close channels from both sides, and fetch a large file over one while its sender keeps little waiting.",
  client,
  connected: (pc) => {
    pc.ondatachannel = ({ channel }) => {
      if (channel.label === "file") sendFile(channel);
      else talk(channel);
    };
  },
});
