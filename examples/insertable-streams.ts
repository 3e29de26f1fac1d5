/**
 * Frames that are encrypted from end to end, beside DTLS: the page and this program have a secret, and each encrypts its frames in a
 * worker. The program decrypts the page's picture, and sends it back encrypted. A page with another secret gets nothing.
 *
 *   node dist/examples/insertable-streams.js
 */
import { Worker } from "node:worker_threads";
import { RTCPeerConnection, RTCRtpScriptTransform } from "roomrtc";
import { commandLine, servePage } from "./page/serve.js";

const [secret = "a secret that both ends know"] = commandLine().rest;

const client = `
  import { button, call, myMedia, say, show } from "/page.js";
  const script = \`
    import { frameCipher } from "\${location.origin}/frame_cipher.js";
    onrtctransform = ({ transformer: { readable, writable, options } }) =>
      readable.pipeThrough(new TransformStream(frameCipher(options))).pipeTo(writable);
  \`;
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
  let pc;
  const callWith = (secret) => async () => {
    pc?.close();
    document.querySelectorAll("video").forEach((video) => video.remove());
    const [track] = (await myMedia()).getVideoTracks();
    pc = new RTCPeerConnection();
    const { sender, receiver } = pc.addTransceiver(track);
    sender.transform = new RTCRtpScriptTransform(worker, { secret, encrypts: true });
    receiver.transform = new RTCRtpScriptTransform(worker, { secret, encrypts: false });
    show(receiver.track);
    await call(pc);
    say("Calling with " + (secret === ${JSON.stringify(secret)} ? "the" : "another") + " secret.");
  };
  button("Call", callWith(${JSON.stringify(secret)}));
  button("Call with another secret", callWith("something else"));
`;

const worker = new Worker(new URL("./page/cipher_worker.js", import.meta.url));

function sendBack(pc: RTCPeerConnection): void {
  pc.ontrack = ({ track, transceiver }) => {
    transceiver.direction = "sendrecv";
    transceiver.receiver.transform = new RTCRtpScriptTransform(worker, { secret, encrypts: false });
    transceiver.sender.transform = new RTCRtpScriptTransform(worker, { secret, encrypts: true });
    void transceiver.sender.replaceTrack(track);
  };
}

await servePage({
  title: "Insertable streams",
  about: "This page's picture goes to the program and back, encrypted from end to end.",
  client,
  create: () => new RTCPeerConnection({}, { video: { codecs: ["VP8"] } }),
  connected: sendBack,
});
await worker.terminate();
