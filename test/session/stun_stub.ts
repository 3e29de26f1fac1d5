import type { RemoteInfo, Socket } from "node:dgram";
import {
  decodeStun,
  encodeStun,
  StunClass,
  StunMessage,
  StunMethod,
  StunAttributeType as Type,
  xorAddressAttribute,
} from "../../src/protocol/stun/index.js";

/** Answers a Binding request with an address that a NAT might have given: a documentation address, the port plus one. */
export function answerBinding(socket: Socket, data: Uint8Array, from: RemoteInfo): void {
  const request = decodeStun(data);
  if (!(request instanceof StunMessage) || request.method !== StunMethod.Binding) return;
  const { transactionId } = request;
  const seen = { family: 4, address: "203.0.113.7", port: from.port + 1 } as const;
  const response = encodeStun({
    method: StunMethod.Binding,
    messageClass: StunClass.SuccessResponse,
    transactionId,
    attributes: [xorAddressAttribute(Type.XorMappedAddress, seen, transactionId)],
  });
  socket.send(response, from.port, from.address);
}
