/** The web client's files, read once at the start: a request can name nothing but what is in the table. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { pathOf } from "../exchange/http/answer.js";
import { systemCode } from "./errors.js";

interface StaticFile {
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
  readonly gzipped: Buffer | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".webmanifest": "application/manifest+json",
};
const GZIP_FROM_BYTES = 1024;

/** On every response. The page may run its own script and style and talk to its own server, and nothing else. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; " +
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
};

async function readStatic(path: string): Promise<StaticFile> {
  const body = await readFile(path);
  const compressible = extname(path) !== ".png" && body.length >= GZIP_FROM_BYTES;
  return {
    type: TYPES[extname(path)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`,
    body,
    gzipped: compressible ? await promisify(gzip)(body) : undefined,
  };
}

export class StaticSite {
  private constructor(private readonly files: ReadonlyMap<string, StaticFile>) {}

  /** Reads a folder with all below it; without one, or with an empty one, the site says that it is not built. */
  static async load(folder: string | undefined): Promise<StaticSite> {
    const files = new Map<string, StaticFile>();
    if (folder === undefined) return new StaticSite(files);
    try {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath ?? entry.path, entry.name);
        files.set(`/${relative(folder, path).split(sep).join("/")}`, await readStatic(path));
      }
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
    return new StaticSite(files);
  }

  get isEmpty(): boolean {
    return this.files.size === 0;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== "GET" && request.method !== "HEAD") {
      refuse(response, 405, "only GET and HEAD", { Allow: "GET, HEAD" });
      return;
    }
    const path = pathOf(request);
    const file = this.files.get(path === "/" ? "/index.html" : path);
    if (file !== undefined) sendFile(request, response, file);
    else
      refuse(response, 404, this.isEmpty ? "the web client is not built; run: npm run build" : "not found");
  }
}

/** Answers with a line of text. */
export function refuse(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    "Content-Type": "text/plain; charset=utf-8",
  });
  response.end(`${text}\n`);
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: StaticFile): void {
  const caching = { ETag: file.etag, "Cache-Control": "no-cache", Vary: "Accept-Encoding" };
  if (request.headers["if-none-match"] === file.etag) {
    response.writeHead(304, { ...SECURITY_HEADERS, ...caching }).end();
    return;
  }
  const packed = /\bgzip\b/.test(String(request.headers["accept-encoding"])) ? file.gzipped : undefined;
  const body = packed ?? file.body;
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    ...caching,
    "Content-Type": file.type,
    "Content-Length": body.length,
    ...(packed === undefined ? {} : { "Content-Encoding": "gzip" }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
