/** Multicast DNS (RFC 6762) as far as ICE candidates need it: resolving others' names, answering for our own. */
export * from "./message.js";
export * from "./resolver.js";
export * from "./responder.js";
