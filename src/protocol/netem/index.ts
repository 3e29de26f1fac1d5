/** A seeded network in virtual time, for running whole calls in tests and benchmarks. */
export * from "./link.js";
export * from "./nat.js";
export * from "./network_emulator.js";
