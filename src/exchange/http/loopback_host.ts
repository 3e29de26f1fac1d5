import type { IncomingMessage } from "node:http";

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

/**
 * Whether a request to a loopback address names this machine: a page of another site that made its own name point at
 * 127.0.0.1 (DNS rebinding) shows that name in Host.
 */
export function namesLoopback(request: IncomingMessage): boolean {
  return LOOPBACK_HOST.test(request.headers.host?.toLowerCase() ?? "");
}
