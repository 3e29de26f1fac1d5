/**
 * Two ends that exchange one offer and one answer, with all candidates in them, and then talk over a data channel.
 *
 *   node dist/examples/offer-answer.js                 answers whoever posts an offer, and serves a page that does
 *   node dist/examples/offer-answer.js http://…/offer  calls such a program
 *   node dist/examples/offer-answer.js offer           prints a line to copy into the other window, and reads one back
 *   node dist/examples/offer-answer.js answer          the other window
 */
import { createInterface } from "node:readline/promises";
import {
  decodeDescription,
  encodeDescription,
  gatheringComplete,
  type RTCDataChannel,
  RTCPeerConnection,
  sendOffer,
} from "roomrtc";
import { commandLine, servePage } from "./page/serve.js";

const client = `
  import { call, say } from "/page.js";
  const pc = new RTCPeerConnection();
  const channel = pc.createDataChannel("talk");
  channel.onopen = () => { say("connected; saying hello"); channel.send("hello from the page"); };
  channel.onmessage = ({ data }) => say(data);
  await call(pc);
`;

/** The calling end: says hello and hangs up once it was answered. */
function greet(pc: RTCPeerConnection): void {
  const channel = pc.createDataChannel("talk");
  channel.onopen = () => channel.send(`hello from process ${process.pid}`);
  channel.onmessage = ({ data }) => {
    console.log(`heard: ${data}`);
    pc.close();
  };
}

/** The answering end. */
function reply(channel: RTCDataChannel): void {
  channel.onmessage = ({ data }) => {
    console.log(`heard: ${data}`);
    channel.send(`You said "${data}".`);
  };
}

/** Prints our description as one line, and resolves to the one that is pasted. */
async function show(pc: RTCPeerConnection): Promise<void> {
  await gatheringComplete(pc);
  if (pc.localDescription) console.log(encodeDescription(pc.localDescription, { compress: true }));
}

async function paste(pc: RTCPeerConnection): Promise<void> {
  const terminal = createInterface({ input: process.stdin });
  console.error("Paste the other window's line:");
  for await (const line of terminal) {
    await pc.setRemoteDescription(decodeDescription(line));
    break;
  }
  process.stdin.destroy(); // nothing more is read, and the process may end
}

async function byHand(role: "offer" | "answer"): Promise<void> {
  const pc = new RTCPeerConnection();
  if (role === "offer") {
    greet(pc);
    await pc.setLocalDescription();
    await show(pc);
    await paste(pc);
  } else {
    pc.ondatachannel = ({ channel }) => {
      reply(channel);
      channel.onclose = () => pc.close();
    };
    await paste(pc);
    await pc.setLocalDescription();
    await show(pc);
  }
}

const [what] = commandLine().rest;
if (what === "offer" || what === "answer") await byHand(what);
else if (what !== undefined) {
  const pc = new RTCPeerConnection();
  greet(pc);
  await sendOffer(pc, what);
} else {
  await servePage({
    title: "Offer and answer",
    about:
      "The page posts an offer to the program that serves it and gets the answer: the whole of signaling.",
    client,
    connected: (pc) => {
      pc.ondatachannel = ({ channel }) => reply(channel);
    },
  });
}
