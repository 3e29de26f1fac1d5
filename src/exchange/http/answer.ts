/** Requests become answers: bodies with a limit, refusals as errors, one place that writes responses. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** A request that is answered with an error status and a line of text. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  constructor(
    readonly status: number,
    message: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(message);
  }
}

/** On every answer: nobody is to guess its type, keep it, or show it in a frame. */
const ALWAYS: OutgoingHttpHeaders = {
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
};

/** Writes what `answer` gives; a {@link HttpRefusal} becomes its status, any other error 500 and goes to `onError`. */
export async function respond(
  response: ServerResponse,
  extra: OutgoingHttpHeaders,
  answer: () => HttpAnswer | Promise<HttpAnswer>,
  onError: (error: unknown) => void = () => undefined,
): Promise<void> {
  let given: HttpAnswer;
  try {
    given = await answer();
  } catch (error) {
    if (!(error instanceof HttpRefusal)) onError(error);
    given = refusalAnswer(error);
  }
  const { status, headers = {}, body } = given;
  const length =
    body === undefined && (status === 204 || status === 304)
      ? {}
      : { "Content-Length": Buffer.byteLength(body ?? "") };
  response.writeHead(status, { ...ALWAYS, ...extra, ...headers, ...length }).end(body);
}

function refusalAnswer(error: unknown): HttpAnswer {
  const refusal = error instanceof HttpRefusal ? error : new HttpRefusal(500, "The server failed");
  const headers = { "Content-Type": "text/plain; charset=utf-8", ...refusal.headers };
  return { status: refusal.status, headers, body: `${refusal.message}\n` };
}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0];
}

/** The media type of a message, without parameters, in lower case; "" when there is none (RFC 9110 §8.3.1). */
export function mediaType(headers: IncomingHttpHeaders): string {
  return (headers["content-type"] ?? "").split(";", 1)[0].trim().toLowerCase();
}

/** @throws HttpRefusal 415 */
export function requireMediaType(request: IncomingMessage, wanted: string): void {
  const found = mediaType(request.headers);
  if (found !== wanted) {
    const message = `The body is ${found === "" ? "of no type" : found.slice(0, 80)}, needed: ${wanted}`;
    throw new HttpRefusal(415, message, { Accept: wanted });
  }
}

/** @throws HttpRefusal 405 with Allow */
export function requireMethod(request: IncomingMessage, allowed: readonly string[]): void {
  if (allowed.includes(request.method ?? "")) return;
  throw new HttpRefusal(405, `Allowed: ${allowed.join(", ")}`, { Allow: allowed.join(", ") });
}

/**
 * The body as UTF-8. A longer one is refused before it is read where its length is announced, and else as soon as it
 * passes the limit; the connection ends with the answer, and what still comes is thrown away.
 *
 * @throws HttpRefusal 413 or 400
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const refuse = (status: number, message: string) =>
      reject(new HttpRefusal(status, message, { Connection: "close" }));
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else tooLarge();
    };
    const tooLarge = () => {
      request.off("data", take).resume();
      refuse(413, `The body is larger than ${maxBytes} bytes`);
    };
    request.once("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.once("close", () => refuse(400, "The body did not arrive whole"));
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) tooLarge();
    else request.on("data", take);
  });
}
