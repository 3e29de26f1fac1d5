/** Two pages of a real browser that may use relayed candidates only, through our TURN server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { hmacSha1 } from "../../src/media/session/system_random.js";
import { timeLimitedCredentials } from "../../src/protocol/turn_server/index.js";
import { CHROMIUM_PATH, launchChromium } from "../support/chromium.js";
import { cleanUp, onCleanUp, portOf, SECRET, startTurn } from "./rig.js";

interface Outcome {
  readonly echoed: number;
  readonly local: string;
  readonly remote: string;
  readonly relayProtocol: string;
  readonly candidateTypes: readonly string[];
}

/** Runs in the page: two connections, relayed at both ends, and a data channel that says everything back. */
const CALL = `async (server) => {
  const configuration = { iceServers: [server], iceTransportPolicy: "relay" };
  const one = new RTCPeerConnection(configuration);
  const two = new RTCPeerConnection(configuration);
  const types = new Set();
  const trickle = (from, to) => {
    from.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      if (candidate.type) types.add(candidate.type);
      to.addIceCandidate(candidate);
    };
  };
  trickle(one, two);
  trickle(two, one);
  two.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(data);
  };
  const channel = one.createDataChannel("through the relay");
  const COUNT = 50;
  let echoed = 0;
  const done = new Promise((resolve, reject) => {
    channel.onopen = () => {
      for (let i = 0; i < COUNT; i++) channel.send(String(i).padEnd(1000, "."));
    };
    channel.onmessage = ({ data }) => {
      if (data.length !== 1000 || parseInt(data) !== echoed) reject(new Error("wrong echo: " + data));
      if (++echoed === COUNT) resolve();
    };
    one.onicecandidateerror = ({ errorCode, errorText }) => reject(new Error(errorCode + " " + errorText));
    one.onconnectionstatechange = () => one.connectionState === "failed" && reject(new Error("failed"));
  });
  await one.setLocalDescription();
  await two.setRemoteDescription(one.localDescription);
  await two.setLocalDescription();
  await one.setRemoteDescription(two.localDescription);
  await done;
  const stats = new Map(await one.getStats());
  const transport = [...stats.values()].find(({ type }) => type === "transport");
  const pair = stats.get(transport.selectedCandidatePairId);
  const local = stats.get(pair.localCandidateId);
  const outcome = {
    echoed,
    local: local.candidateType,
    remote: stats.get(pair.remoteCandidateId).candidateType,
    relayProtocol: local.relayProtocol,
    candidateTypes: [...types],
  };
  one.close();
  two.close();
  return outcome;
}`;

describe("relay-only Chromium through our TURN server", () => {
  let browser: Browser | undefined;
  let site: Server | undefined;
  let origin = "";

  before(async function () {
    this.timeout(120_000);
    if (!existsSync(CHROMIUM_PATH)) {
      console.log("    skipped: there is no Chromium");
      this.skip();
    }
    browser = await launchChromium();
    site = createServer((_request, response) => {
      response.setHeader("content-type", "text/html");
      response.end("<title>relay</title>");
    });
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  });
  after(async () => {
    await browser?.close();
    site?.close();
  });
  afterEach(cleanUp);

  for (const transport of ["udp", "tcp"] as const) {
    it(`connects two pages over ${transport} and carries a data channel's messages`, async () => {
      const service = await startTurn();
      assert.ok(browser);
      const context = await browser.newContext();
      onCleanUp(() => context.close());
      const page = await context.newPage();
      await page.goto(origin);
      const expiry = Math.floor(Date.now() / 1000) + 300;
      const { username, password } = timeLimitedCredentials(SECRET, "page", expiry, hmacSha1);
      const urls = `turn:127.0.0.1:${portOf(service, transport)}?transport=${transport}`;
      const server = JSON.stringify({ urls, username, credential: password });
      const outcome = await page.evaluate<Outcome>(`(${CALL})(${server})`);
      assert.deepEqual(outcome, {
        echoed: 50,
        local: "relay",
        remote: "relay",
        relayProtocol: transport,
        candidateTypes: ["relay"],
      });
      const { toPeers, toClients, errors } = service.counters();
      assert.ok(toPeers.bytes > 2 * 50 * 1000 && toClients.bytes > 2 * 50 * 1000, JSON.stringify(toPeers));
      assert.deepEqual(Object.keys(errors), ["401"]);
    }).timeout(120_000);
  }
});
