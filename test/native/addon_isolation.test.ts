import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { native } from "../../native/addon.js";
import { finalMessage } from "./final_message.js";

const workerFile = new URL("./addon_worker.js", import.meta.url);
const addonFile = fileURLToPath(new URL("../../../build/Release/roomrtc.node", import.meta.url));

describe("the addon beside Node's own OpenSSL", () => {
  it("shows none of its OpenSSL's symbols and needs none of Node's", function () {
    let symbols: string;
    try {
      symbols = execFileSync("nm", ["-D", addonFile], { encoding: "utf8" });
    } catch {
      return this.skip(); // binutils are there wherever the addon was built
    }
    const foreign = symbols
      .split("\n")
      .filter((line) => /\b(SSL|EVP|CRYPTO|OPENSSL|X509|BIO|ERR)_/.test(line));
    assert.deepEqual(foreign, []);
    assert.match(symbols, /napi_register_module_v1/);
  });

  it("serves eight threads at once that use both", async function () {
    this.timeout(120_000);
    const workers = Array.from({ length: 8 }, () => new Worker(workerFile, { workerData: { rounds: 10 } }));
    assert.deepEqual(await Promise.all(workers.map(finalMessage)), Array(8).fill("done"));
  });

  it("lets Node serve HTTPS with a certificate of the addon's", async () => {
    const certificate = native.Certificate.generate({ subjectAltNames: ["localhost"] });
    const server = createServer(
      { cert: certificate.certificatePem, key: certificate.privateKeyPem },
      (_, answer) => answer.end("both work"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const request = get({
      host: "127.0.0.1",
      port,
      servername: "localhost",
      ca: certificate.certificatePem,
      agent: false,
    });
    const [answer] = await once(request, "response");
    const [body] = await once(answer.setEncoding("utf8"), "data");
    assert.equal(body, "both work");
    server.close();
  });

  it("outlives workers that are terminated in the middle of a handshake", async function () {
    this.timeout(120_000);
    for (let i = 0; i < 12; i++) {
      const worker = new Worker(workerFile, { workerData: { rounds: Number.POSITIVE_INFINITY } });
      await once(worker, "message");
      await worker.terminate();
    }
  });

  it("may be loaded by workers alone, which leave one after another", async function () {
    this.timeout(120_000);
    // In a process whose main thread never loads the addon, it goes with its last worker unless it is kept.
    const program = `
      const { Worker } = require("node:worker_threads");
      const { once } = require("node:events");
      (async () => {
        for (let i = 0; i < 3; i++) {
          const worker = new Worker(${JSON.stringify(fileURLToPath(workerFile))}, { workerData: { rounds: 2 } });
          await once(worker, "exit");
        }
        require("node:crypto").createHash("sha256").update("still here").digest();
        console.log("alive");
      })();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", program]);
    assert.equal(stdout, "alive\n");
  });
});
