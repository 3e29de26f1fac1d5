import { networkInterfaces } from "node:os";

/**
 * The one address that all stacks bind, so that all have the same host candidates: that of the network the command runs
 * in, which is its own (scripts/bootstrap.mjs), or loopback.
 */
export function hostAddress() {
  const all = Object.values(networkInterfaces()).flat();
  const outward = all.find(({ family, internal }) => family === "IPv4" && !internal);
  return outward?.address ?? "127.0.0.1";
}
