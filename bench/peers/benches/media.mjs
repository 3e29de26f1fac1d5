import { createRequire } from "node:module";
import { collector, figuresLine } from "../../../dist/bench/media.js";
import { measureStages, mediaStages, plainPackets } from "../../../dist/bench/media_stages.js";
import { installedVersion } from "../installed_version.mjs";
import { say } from "../table.mjs";

const require = createRequire(import.meta.url);

/** What a packet costs in each stage, ours beside werift's equivalents, in one process and one run. */
export async function media({ rounds }) {
  say(
    "Pictures of nine packets; median (smallest to largest) of the rounds, and what is allocated on the heap.\n",
  );
  say(`${"".padEnd(56)}${"ns a packet".padStart(22)}${"bytes".padStart(10)}`);
  const stages = [...mediaStages(), ...weriftStages(`werift ${installedVersion("werift")}`)];
  for (const figures of measureStages(stages, 5 * rounds, collector())) say(figuresLine(figures));
}

/** Where werift has the stage; each makes the objects that its API gives and takes. */
function weriftStages(title) {
  const { H264RtpPayload, RtpPacket, SrtpSession, unwrapRtx, wrapRtx } = require("werift");
  const key = Buffer.alloc(16, 1);
  const salt = Buffer.alloc(12, 2);
  const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
  const session = new SrtpSession({ keys, profile: 7 });
  const buffers = plainPackets().map((bytes) => Buffer.from(bytes));
  const packets = buffers.map((buffer) => RtpPacket.deSerialize(buffer));
  const parsed = packets.map((packet) => packet.clone());
  let sequence = 0;
  const renumbered = (packet) => {
    packet.header.sequenceNumber = sequence;
    sequence = (sequence + 1) & 0xffff;
    return packet;
  };
  const stage = (name, each) => ({
    name: `${title}: ${name}`,
    packets: buffers.length,
    run: () => {
      for (let i = 0; i < buffers.length; i++) each(i);
    },
  });
  return [
    stage("write a header and payload", (i) => packets[i].serialize()),
    {
      name: `${title}: parse, depacketize`,
      packets: buffers.length,
      run: () => {
        let fragment;
        for (const buffer of buffers)
          fragment = H264RtpPayload.deSerialize(RtpPacket.deSerialize(buffer).payload, fragment).fragment;
      },
    },
    stage("protect and unprotect", (i) => {
      const { payload, header } = renumbered(parsed[i]);
      session.decrypt(session.encrypt(payload, header));
    }),
    stage("wrap into RTX", (i) => wrapRtx(packets[i], 97, 7, 2)),
    stage("unwrap RTX", (i) => unwrapRtx(packets[i], 96, 1)),
  ];
}
