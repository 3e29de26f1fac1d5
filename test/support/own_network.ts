import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A loopback interface and one other, both with multicast, both families, and nothing beyond. */
const SETUP = [
  "ip link set lo up multicast on",
  "ip link add roomrtc0 type veth peer name roomrtc1",
  "ip addr add 10.77.0.1/24 dev roomrtc0",
  "ip addr add fd77::1/64 dev roomrtc0 nodad",
  "ip link set roomrtc0 up",
  "ip link set roomrtc1 up",
  // Browsers look for the address of the default route; this one ends at the other end of the pair.
  "ip route add default dev roomrtc0",
  "ip -6 route add default dev roomrtc0",
  'exec "$@"',
].join(" && ");

export interface OwnNetworkRun {
  readonly code: number | null;
  /** What the program wrote, its errors too. */
  readonly output: string;
}

function launch(args: readonly string[]): Promise<OwnNetworkRun> {
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const child = spawn("unshare", [...asRoot, "--net", "--", "sh", "-c", SETUP, "sh", ...args]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: null, output: String(error) }));
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** For `before`: skips the suite where no network namespace can be made, and says why. */
export async function needOwnNetwork(this: Mocha.Context): Promise<void> {
  const { code, output } = await launch(["true"]);
  if (code === 0) return;
  console.log(`      no network of its own can be made here: ${output.trim()}`);
  this.skip();
}

/** Runs a program of this project in a network of its own. */
export function runInOwnNetwork(program: URL, args: readonly string[] = []): Promise<OwnNetworkRun> {
  return launch([process.execPath, fileURLToPath(program), ...args]);
}
