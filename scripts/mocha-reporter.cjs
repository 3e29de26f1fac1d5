// Mocha's spec reporter that also leaves its counts, and what failed, in the file that ROOMRTC_COUNTS names.
const { writeFileSync } = require("node:fs");
const Mocha = require("mocha");

module.exports = class CountingSpec extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failures = [];
    runner.on("fail", (test, error) => {
      failures.push({ title: test.fullTitle(), why: String(error?.message ?? error) });
    });
    runner.once("end", () => {
      const { passes, pending } = this.stats;
      writeFileSync(
        process.env.ROOMRTC_COUNTS,
        JSON.stringify({ passed: passes, failed: this.stats.failures, skipped: pending, failures }),
      );
    });
  }
};
