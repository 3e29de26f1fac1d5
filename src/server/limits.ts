/** The server's bounds on time, rate and size; docs/signaling.md lists them. */
export interface Limits {
  /** A TLS handshake must end within this. */
  readonly handshakeMs: number;
  /** The first bytes after the handshake must tell the protocol within this. */
  readonly firstBytesMs: number;
  /** A line that has begun must end within this. */
  readonly lineMs: number;
  /** A request's headers must be complete within this after the connection's start or the last response. */
  readonly requestMs: number;
  /** A connection that has not logged in by then is closed. */
  readonly loginMs: number;
  /** After this silence the server sends PING; after three times this it closes. */
  readonly pingMs: number;
  /** An offer without an answer ends after this. */
  readonly ringMs: number;
  /** What a closing connection has for its last bytes. */
  readonly lingerMs: number;
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  /** A client with more than this waiting to be read is disconnected. */
  readonly sendBufferBytes: number;
  /** Password hashes computed or waiting at once. */
  readonly pendingHashes: number;
}

export const DEFAULT_LIMITS: Limits = {
  handshakeMs: 10_000,
  firstBytesMs: 30_000,
  lineMs: 15_000,
  requestMs: 10_000,
  loginMs: 60_000,
  pingMs: 30_000,
  ringMs: 60_000,
  lingerMs: 2_000,
  messagesPerSecond: 50,
  messageBurst: 200,
  sendBufferBytes: 1_048_576,
  pendingHashes: 32,
};
