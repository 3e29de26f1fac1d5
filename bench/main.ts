/** `npm run bench -- NAME [args]`: each bench is a program that prints medians and spreads of sides compared in one run. */
type Bench = (args: string[]) => Promise<void>;

const benches: Readonly<Record<string, { about: string; load: () => Promise<{ run: Bench }> }>> = {
  broadcast: {
    about: "one source to 1, 10 and 50 receivers: packets a second, CPU of the sending process",
    load: () => import("./broadcast.js"),
  },
  call: {
    about: "capture to decoded frame, CPU and set-up of a call, beside the bare codec",
    load: () => import("./call.js"),
  },
  data: {
    about: "data channels: bulk, round trip, and beside a call's video",
    load: () => import("./data.js"),
  },
  media: {
    about: "each stage of a packet's way: nanoseconds and bytes allocated per packet",
    load: () => import("./media.js"),
  },
  narrow: {
    about: "pictures let go at once beside paced ones, over narrow paths, in virtual time",
    load: () => import("./narrow.js"),
  },
  packets: {
    about: "packetize, parse, reorder and assemble: time per packet",
    load: () => import("./packets.js"),
  },
  pictures: {
    about: "H.264 beside VP8: CPU time, quality and bitrate of the same pictures",
    load: () => import("./pictures.js"),
  },
  scrypt: {
    about: "password hashes in Node's pool beside a piscina pool",
    load: () => import("./scrypt.js"),
  },
  sources: {
    about: "a picture by file:, V4L2's conversion, opencv: and screen:",
    load: () => import("./sources.js"),
  },
  srtp: { about: "SRTP protect and unprotect beside OpenSSL and libsrtp2", load: () => import("./srtp.js") },
};

const [name = "", ...args] = process.argv.slice(2);
if (Object.hasOwn(benches, name)) {
  const { run } = await benches[name].load();
  await run(args);
} else {
  const lines = Object.entries(benches).map(([each, { about }]) => `  ${each.padEnd(11)}${about}`);
  process.stderr.write(`bench: unknown '${name}'; allowed:\n${lines.join("\n")}\n`);
  process.exitCode = 2;
}
