import assert from "node:assert/strict";
import { ExchangeError, type ExchangeErrorCode } from "../../src/exchange/exchange_error.js";
import { gatheringComplete } from "../../src/exchange/gathering.js";
import { closeAll, connection } from "../webrtc/fake_transport.js";

const failsWith = (code: ExchangeErrorCode) => (error: unknown) =>
  error instanceof ExchangeError && error.code === code;

describe("gatheringComplete", () => {
  afterEach(closeAll);

  async function gathering() {
    const { pc, engine } = connection();
    pc.createDataChannel("");
    await pc.setLocalDescription();
    return { pc, engine };
  }

  it("resolves once the last candidate is in the description, and at once from then on", async () => {
    const { pc, engine } = await gathering();
    let done = false;
    const complete = gatheringComplete(pc).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(done, false);
    engine.transport.endGathering();
    await complete;
    assert.match(pc.localDescription?.sdp ?? "", /a=end-of-candidates/);
    await gatheringComplete(pc, { timeoutMs: 0 });
  });

  it("gives up in time, or is content with what there is", async () => {
    const { pc } = await gathering();
    await assert.rejects(gatheringComplete(pc, { timeoutMs: 5 }), failsWith("GATHERING_TIMEOUT"));
    await gatheringComplete(pc, { timeoutMs: 5, atTimeout: "resolve" });
  });

  it("rejects for a closed connection", async () => {
    const { pc } = await gathering();
    const complete = gatheringComplete(pc, { timeoutMs: 5, atTimeout: "resolve" });
    pc.close();
    await assert.rejects(complete, failsWith("CLOSED"));
    await assert.rejects(gatheringComplete(pc), failsWith("CLOSED"));
  });
});
