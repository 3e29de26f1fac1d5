/** Body of a worker thread that handshakes over and over with the addon while it uses Node's own cryptography. */
import { createHash, createHmac, generateKeyPairSync, sign, verify } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { native } from "../../native/addon.js";
import { DtlsLink } from "./dtls_link.js";

interface Assignment {
  /** Handshakes to do; Infinity until terminated. */
  readonly rounds: number;
}

function nodeCryptography(round: number): string {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const text = Buffer.from(`round ${round}`);
  if (!verify("sha256", text, publicKey, sign("sha256", text, privateKey)))
    return "a signature does not verify";
  const digest = createHash("sha256").update("abc").digest("hex");
  if (!digest.startsWith("ba7816bf")) return `sha256 gives ${digest}`;
  const mac = createHmac("sha1", "key").update("The quick brown fox jumps over the lazy dog").digest("hex");
  return mac.startsWith("de7c9b85") ? "" : `hmac-sha1 gives ${mac}`;
}

const { rounds } = workerData as Assignment;
let failure = "";
for (let round = 0; round < rounds && failure === ""; round++) {
  const link = new DtlsLink({ client: native.Certificate.generate(), server: native.Certificate.generate() });
  link.start();
  if (round === 0) parentPort?.postMessage("started");
  failure = nodeCryptography(round);
  link.run(1e6);
  if (link.client.state !== "connected") failure = `handshake: ${link.client.failure}`;
}
parentPort?.postMessage(failure === "" ? "done" : failure);
