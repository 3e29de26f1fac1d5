/** A shared-memory block that is not what its reader expects. */
export class RingError extends Error {
  readonly code: "RING_LAYOUT" | "RING_ARGUMENT";

  constructor(code: RingError["code"], message: string) {
    super(message);
    this.name = "RingError";
    this.code = code;
  }
}
