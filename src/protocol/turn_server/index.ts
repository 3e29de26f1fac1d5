/** STUN and TURN server (RFC 8489, RFC 8656): accounts, allocations, permissions, channels, and whom it relays to. */
export * from "./credentials.js";
export * from "./peer_policy.js";
export * from "./server.js";
export * from "./types.js";
