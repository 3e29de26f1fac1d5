import { ExchangeError } from "../exchange_error.js";

/** The part of the global `fetch` that is used. */
export type FetchLike = (url: URL, init: RequestInit) => Promise<Response>;

export interface RequestOptions {
  /** 10000 by default. */
  readonly timeoutMs?: number;
  readonly fetch?: FetchLike;
  readonly maxBytes: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * One request; its redirects are not followed.
 *
 * @throws ExchangeError UNREACHABLE; BAD_RESPONSE for a body above the limit; REFUSED for a status from 400 on
 */
export async function request(
  url: string | URL,
  init: RequestInit,
  options: RequestOptions,
): Promise<HttpResponse> {
  const response = await exchange(new URL(url), init, options);
  if (response.status >= 400) throw refused(response);
  return response;
}

/** As {@link request}, for callers that know what to make of an error status. */
export async function exchange(url: URL, init: RequestInit, options: RequestOptions): Promise<HttpResponse> {
  const { timeoutMs = 10_000, fetch: send = fetch, maxBytes } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(url, { ...init, redirect: "manual", signal });
    const { status, headers } = response;
    return { status, headers, body: await limitedText(response, maxBytes) };
  } catch (cause) {
    if (cause instanceof ExchangeError) throw cause;
    const why = signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
    throw new ExchangeError("UNREACHABLE", `${init.method} ${url.href}: ${why}`, { cause });
  }
}

/** fetch puts what happened into the cause of "fetch failed". */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

async function limitedText({ body }: Response, maxBytes: number): Promise<string> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes)
      throw new ExchangeError("BAD_RESPONSE", `The response is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

export function refused({ status, headers, body }: HttpResponse): ExchangeError {
  const said = body.split("\n", 1)[0].slice(0, 200);
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return new ExchangeError(
    "REFUSED",
    `The other end refused with ${status}${said === "" ? "" : `: ${said}`}`,
    {
      status,
      ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1000 }),
    },
  );
}
