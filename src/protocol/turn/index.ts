/** TURN client (RFC 8656): allocations, permissions, channels, and the framing for TCP and TLS. */
export * from "./channel_data.js";
export * from "./client.js";
export * from "./stream_framer.js";
export * from "./types.js";
