import assert from "node:assert/strict";
import { type ChannelHandler, ClientChannel, type ClientTransport } from "../../src/server/client_channel.js";
import { DEFAULT_LIMITS } from "../../src/server/limits.js";
import { silentLogger } from "../../src/server/logger.js";
import type { ClientMessage, ServerMessage } from "../../src/signaling/messages.js";

/** Notes what is asked of it. */
class NotingTransport implements ClientTransport {
  readonly kind = "line";
  readonly remoteAddress = "127.0.0.1";
  bufferedBytes = 0;
  readonly notes: string[] = [];

  send(message: ServerMessage): void {
    this.notes.push(message.type === "ERROR" ? message.code : message.type);
  }
  pause(): void {
    this.notes.push("pause");
  }
  resume(): void {
    this.notes.push("resume");
  }
  close(force: boolean): void {
    this.notes.push(force ? "cut" : "close");
  }
}

describe("client channel", () => {
  function open(handle: ChannelHandler["handle"]): { channel: ClientChannel; transport: NotingTransport } {
    const transport = new NotingTransport();
    const handler: ChannelHandler = {
      limits: DEFAULT_LIMITS,
      logger: silentLogger,
      nowMs: () => 0,
      isLoggedIn: () => true,
      handle,
      gone: () => {},
    };
    return { channel: new ClientChannel(1, transport, handler), transport };
  }
  const ping = (): ClientMessage => ({ type: "PING" });

  it("stops reading while messages wait for a slow one, and goes on after it, in order", async () => {
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const handled: string[] = [];
    let allDone = (): void => {};
    const all = new Promise<void>((resolve) => {
      allDone = resolve;
    });
    const { channel, transport } = open((_channel, message) => {
      handled.push(message.type);
      if (handled.length === 41) allDone();
      return message.type === "LOGOUT" ? slow : undefined;
    });
    channel.received(1, () => ({ type: "LOGOUT" }));
    for (let count = 0; count < 40; count++) channel.received(1, ping);
    assert.deepEqual([handled, transport.notes], [["LOGOUT"], ["pause"]]);
    release();
    await all;
    await Promise.resolve();
    assert.deepEqual(transport.notes, ["pause", "resume"]);
    channel.close(true);
  });

  it("cuts off a client that does not read", () => {
    const { channel, transport } = open(() => {});
    channel.send({ type: "PONG" });
    transport.bufferedBytes = DEFAULT_LIMITS.sendBufferBytes + 1;
    channel.send({ type: "PONG" });
    channel.send({ type: "PONG" });
    assert.deepEqual(transport.notes, ["PONG", "cut"]);
    assert.equal(channel.closed, true);
  });

  it("answers a failure of the server's own with INTERNAL, and goes on", async () => {
    let calls = 0;
    const { channel, transport } = open(async (sender) => {
      if (calls++ === 0) throw new Error("disk on fire");
      sender.send({ type: "PONG" });
    });
    channel.received(1, ping);
    channel.received(1, ping);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(transport.notes, ["INTERNAL", "PONG"]);
    channel.close(false);
  });

  it("counts long messages as several", () => {
    const { channel, transport } = open(() => {});
    const { messageBurst } = DEFAULT_LIMITS;
    for (let count = 0; count < Math.floor(messageBurst / 32); count++) channel.received(65_536, ping);
    assert.deepEqual(transport.notes, []);
    channel.received(65_536, ping);
    assert.deepEqual(transport.notes, ["RATE_LIMITED", "close"]);
  });
});
