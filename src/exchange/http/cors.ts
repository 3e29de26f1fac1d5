/** Cross-origin requests of pages (Fetch §3.2): refused by the browser unless these headers allow them. */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";

export interface CorsPolicy {
  /** Origins such as "https://example.org"; "*" for every page. Empty: pages of other sites are not let in. */
  readonly allowedOrigins: readonly string[];
  readonly methods: readonly string[];
  readonly requestHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
}

/** Seconds that a browser may remember a preflight's answer. */
const PREFLIGHT_SECONDS = 600;

/** Headers for the answer to `request`; none when it comes from no page or from one that is not let in. */
export function corsHeaders(request: IncomingMessage, policy: CorsPolicy): OutgoingHttpHeaders {
  const { origin } = request.headers;
  const { allowedOrigins, methods, requestHeaders, exposedHeaders } = policy;
  if (allowedOrigins.length === 0) return {};
  const everyPage = allowedOrigins.includes("*");
  // The answer depends on who asks, so caches must keep it apart.
  const vary: OutgoingHttpHeaders = everyPage ? {} : { Vary: "Origin" };
  if (origin === undefined || !(everyPage || allowedOrigins.includes(origin))) return vary;
  return {
    ...vary,
    "Access-Control-Allow-Origin": everyPage ? "*" : origin,
    "Access-Control-Expose-Headers": exposedHeaders.join(", "),
    ...(request.method === "OPTIONS" && {
      "Access-Control-Allow-Methods": methods.join(", "),
      "Access-Control-Allow-Headers": requestHeaders.join(", "),
      "Access-Control-Max-Age": PREFLIGHT_SECONDS,
    }),
  };
}
