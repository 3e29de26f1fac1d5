import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { native } from "../../native/addon.js";
import { certificateFromAddon, type RTCCertificate } from "../../src/webrtc/rtc_certificate.js";
import { SpareCertificates } from "../../src/webrtc/spare_certificates.js";

describe("Spare certificates", () => {
  const made = new EventEmitter();
  const all: RTCCertificate[] = [];
  let nowMs = 0;
  let spares: SpareCertificates;

  beforeEach(() => {
    all.length = 0;
    nowMs = 0;
    spares = new SpareCertificates(
      () => {
        const certificate = certificateFromAddon(native.Certificate.generate());
        all.push(certificate);
        made.emit("made", all.length);
        return certificate;
      },
      () => nowMs,
    );
  });

  /** The timer that refills is unreferenced: something has to keep the process waiting. */
  async function untilMade(count: number): Promise<void> {
    const alive = setInterval(() => {}, 1_000);
    while (all.length < count) await once(made, "made");
    clearInterval(alive);
  }

  it("are made after the first was taken, and each is handed out once", async () => {
    const first = spares.take();
    await untilMade(3);
    const taken = [first, spares.take(), spares.take()];
    assert.deepEqual(taken, all, "those made ahead are used, in their order");
    assert.equal(new Set(taken.map((one) => one.getFingerprints()[0].value)).size, 3);
  });

  it("are thrown away after an hour", async () => {
    spares.take();
    await untilMade(3);
    nowMs = 3_600_001;
    const fresh = spares.take();
    assert.equal(all.indexOf(fresh), 3);
  });
});
