/** STUN (RFC 8489): the message codec that ICE and TURN share. */
export * from "./attributes.js";
export * from "./constants.js";
export { crc32 } from "./crc32.js";
export * from "./credentials.js";
export * from "./message.js";
export * from "./request_table.js";
export * from "./transaction_id.js";
