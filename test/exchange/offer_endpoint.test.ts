import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { ExchangeError } from "../../src/exchange/exchange_error.js";
import { sendOffer } from "../../src/exchange/offer_client.js";
import { type OfferServer, serveOffers } from "../../src/exchange/offer_endpoint.js";
import { RTCPeerConnection, stopDefaultEngine } from "../../src/webrtc/index.js";
import { FakeEngine, nextEvent } from "../webrtc/fake_transport.js";
import { echo, loopbackConnection, nextMessage, patient } from "./loopback.js";

describe("the HTTP offer endpoint", function () {
  this.timeout(120_000);
  let server: OfferServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  after(() => stopDefaultEngine());

  async function serve(options: Partial<Parameters<typeof serveOffers>[0]> = {}): Promise<OfferServer> {
    server = await serveOffers({ connect: () => echo(loopbackConnection()), gathering: patient, ...options });
    return server;
  }

  /** Never gathers, since nobody tells it to. */
  const idle = () => new RTCPeerConnection({}, { transportFactory: new FakeEngine() });

  async function anOffer(): Promise<string> {
    const pc = idle();
    pc.createDataChannel("");
    const offer = await pc.createOffer();
    pc.close();
    return JSON.stringify(offer);
  }

  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(url, { method: "POST", body, headers: { "Content-Type": "application/json", ...headers } });

  it("connects who posts an offer, and takes part in nothing after close()", async () => {
    const { url, endpoint } = await serve();
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/offer$/);
    const pc = loopbackConnection();
    const channel = pc.createDataChannel("talk");
    const opened = nextEvent(channel, "open");
    await sendOffer(pc, url, { gathering: patient, timeoutMs: 25_000 });
    await opened;
    const answered = nextMessage(channel);
    channel.send("hello");
    assert.equal(await answered, "echo of hello");
    assert.equal(endpoint.connections.length, 1);
    const closed = nextEvent(channel, "close");
    endpoint.close();
    await closed;
    assert.equal(endpoint.connections.length, 0);
    pc.close();
  });

  it("answers with all candidates, as JSON that no cache keeps", async () => {
    const { url } = await serve();
    const response = await post(url, await anOffer());
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.equal(response.headers.get("cache-control"), "no-store");
    const { type, sdp } = (await response.json()) as { type: string; sdp: string };
    assert.equal(type, "answer");
    assert.match(sdp, /a=candidate:.* 127\.0\.0\.1 /);
    assert.match(sdp, /a=end-of-candidates/);
  });

  it("refuses what it does not take, and says why", async () => {
    const { url } = await serve({ maxBodyBytes: 20_000 });
    const offer = await anOffer();
    const cases: readonly (readonly [number, RegExp, Promise<Response>])[] = [
      [405, /POST/, fetch(url)],
      [405, /POST/, fetch(url, { method: "PUT", body: offer })],
      [415, /application\/json/, post(url, offer, { "Content-Type": "text/plain" })],
      [415, /application\/json/, fetch(url, { method: "POST", body: new Uint8Array(5) })],
      [413, /20000 bytes/, post(url, JSON.stringify({ type: "offer", sdp: "x".repeat(20_000) }))],
      [400, /no JSON/, post(url, "hello")],
      [400, /no description/, post(url, "{}")],
      [400, /needed: offer/, post(url, JSON.stringify({ type: "answer", sdp: "v=0" }))],
      [400, /SDP_SYNTAX/, post(url, JSON.stringify({ type: "offer", sdp: "v=1\r\n" }))],
      [404, /Nothing/, post(`${url}s`, offer)],
    ];
    for (const [status, text, sent] of cases) {
      const response = await sent;
      assert.equal(response.status, status);
      assert.match(await response.text(), text);
    }
    assert.equal((await fetch(url)).headers.get("allow"), "POST, OPTIONS");
    assert.equal(server?.endpoint.connections.length, 0);
  });

  it("stops reading a body that does not announce its length at the limit", async () => {
    const { url } = await serve({ maxBodyBytes: 1000 });
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(1200));
        controller.close();
      },
    });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(url, { method: "POST", body, headers, duplex: "half" } as RequestInit);
    assert.equal(response.status, 413);
  });

  it("lets pages of other sites in only where it is told to", async () => {
    const { url } = await serve({ allowedOrigins: ["https://a.example"] });
    const preflight = (target: string, origin: string) =>
      fetch(target, {
        method: "OPTIONS",
        headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
      });
    const allowed = (await preflight(url, "https://a.example")).headers;
    assert.equal(allowed.get("access-control-allow-origin"), "https://a.example");
    assert.equal(allowed.get("access-control-allow-headers"), "Content-Type");
    assert.equal(allowed.get("vary"), "Origin");
    const foreign = (await preflight(url, "https://b.example")).headers;
    assert.equal(foreign.get("access-control-allow-origin"), null);
    const closed = await serveOffers({ connect: idle });
    assert.equal(
      (await preflight(closed.url, "https://a.example")).headers.get("access-control-allow-origin"),
      null,
    );
    await closed.close();
  });

  it("answers on loopback only who names this machine", async () => {
    const { port } = await serve();
    const socket = createConnection(port, "127.0.0.1");
    socket.write("POST /offer HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n");
    const [reply] = (await new Promise((resolve) => socket.once("data", (data) => resolve([data])))) as [
      Buffer,
    ];
    assert.match(reply.toString(), /^HTTP\/1\.1 421 /);
    socket.destroy();
  });

  it("holds so many connections and no more, and forgets those that were closed", async () => {
    const { url, endpoint } = await serve({ maxConnections: 2 });
    const offer = await anOffer();
    const statuses = await Promise.all([1, 2, 3].map(async () => (await post(url, offer)).status));
    assert.deepEqual(statuses.sort(), [200, 200, 503]);
    endpoint.connections[0].close();
    const response = await post(url, offer);
    assert.equal(response.status, 200);
    assert.equal((await post(url, offer)).headers.get("retry-after"), "5");
  });

  it("tells errors of the program from those of the offer, and leaves no connection behind", async () => {
    const heard: unknown[] = [];
    const connect = () => {
      throw new Error("secret reason");
    };
    const { url, endpoint } = await serve({ connect, onError: (error) => heard.push(error) });
    const response = await post(url, await anOffer());
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /secret/);
    assert.equal((heard[0] as Error).message, "secret reason");
    assert.equal(endpoint.connections.length, 0);
  });

  it("does not wait for candidates for ever", async () => {
    const { url, endpoint } = await serve({ connect: idle, gathering: { timeoutMs: 10 } });
    assert.equal((await post(url, await anOffer())).status, 504);
    assert.equal(endpoint.connections.length, 0);
  });

  it("says which option cannot be", async () => {
    const bad = (error: unknown) => error instanceof ExchangeError && error.code === "BAD_OPTION";
    await assert.rejects(serveOffers({ connect: idle, maxConnections: 0 }), bad);
    await assert.rejects(serveOffers({ connect: idle, path: "offer" }), bad);
    const { port } = await serve();
    await assert.rejects(serveOffers({ connect: idle, port }), bad);
  });
});

describe("sendOffer", function () {
  this.timeout(120_000);
  after(() => stopDefaultEngine());

  async function failure(response: () => Promise<Response>): Promise<ExchangeError> {
    const pc = loopbackConnection();
    pc.createDataChannel("");
    try {
      await sendOffer(pc, "http://127.0.0.1:9/", { fetch: response, timeoutMs: 2000, gathering: patient });
    } catch (error) {
      assert.ok(error instanceof ExchangeError, String(error));
      return error;
    } finally {
      pc.close();
    }
    return assert.fail("it did not fail");
  }

  it("tells a refusal with its status, its reason and how long to wait", async () => {
    const busy = new Response("full\nsecond line", { status: 503, headers: { "Retry-After": "7" } });
    const { code, status, retryAfterMs, message } = await failure(async () => busy);
    assert.deepEqual([code, status, retryAfterMs], ["REFUSED", 503, 7000]);
    assert.match(message, /503: full$/);
  });

  it("tells a bad answer, a huge one, and one that never comes", async () => {
    assert.equal((await failure(async () => new Response("hello"))).code, "BAD_RESPONSE");
    assert.equal((await failure(async () => new Response("x".repeat(300_000)))).code, "BAD_RESPONSE");
    assert.equal((await failure(() => fetch("http://127.0.0.1:1/"))).code, "UNREACHABLE");
  });
});
