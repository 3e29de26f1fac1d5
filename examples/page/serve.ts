/** What the examples share: a web page, served on localhost, that calls the program which serves it. */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { parseArgs } from "node:util";
import { type RequestListener, RTCPeerConnection, serveOffers } from "roomrtc";

export interface ExamplePage {
  readonly title: string;
  readonly about: string;
  /** A module that the page runs; it imports "/page.js" and, for renegotiation, "/negotiation.js". */
  readonly client: string;
  /** The page is calling: adds what the connection is to send, and hears what comes. */
  connected(pc: RTCPeerConnection, query: URLSearchParams): void;
  /** Makes the connection, where it needs settings. */
  create?(): RTCPeerConnection;
  /** What GET requests to other paths are answered with, as JSON. */
  readonly data?: Readonly<Record<string, () => unknown>>;
}

const source = (name: string) =>
  readFileSync(new URL(`../../../examples/page/${name}`, import.meta.url), "utf8");
const compiled = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
const escaped = (text: string) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/** `--port N` of the command line (8090; 0: any free one), and what else stands there. */
export function commandLine(): { port: number; rest: readonly string[] } {
  const { values, positionals } = parseArgs({
    options: { port: { type: "string", default: "8090" } },
    allowPositionals: true,
  });
  return { port: Number(values.port), rest: positionals };
}

/** Serves the page and prints where it is; resolves when Ctrl-C has ended it and all of its connections. */
export async function servePage(page: ExamplePage): Promise<void> {
  const { title, about, client, data = {} } = page;
  const html = source("page.html").replaceAll("TITLE", escaped(title)).replace("ABOUT", escaped(about));
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    "/": ["text/html", html],
    "/style.css": ["text/css", source("style.css")],
    "/page.js": ["text/javascript", source("page.js")],
    "/negotiation.js": ["text/javascript", compiled("negotiation.js")],
    "/frame_cipher.js": ["text/javascript", compiled("frame_cipher.js")],
    "/client.js": ["text/javascript", client],
  };
  const otherwise: RequestListener = (request, response) => {
    const { pathname } = urlOf(request);
    const [type, text] = Object.hasOwn(data, pathname)
      ? ["application/json", JSON.stringify(data[pathname]())]
      : (files[pathname] ?? []);
    response.writeHead(type === undefined ? 404 : 200, {
      "Content-Type": `${type ?? "text/plain"}; charset=utf-8`,
    });
    response.end(text);
  };
  const server = await serveOffers({
    port: commandLine().port,
    otherwise,
    connect: (request) => {
      const pc = page.create?.() ?? new RTCPeerConnection();
      page.connected(pc, urlOf(request).searchParams);
      return pc;
    },
    onError: (error) => console.error(error),
  });
  console.log(`${title}: open http://localhost:${server.port}/ in a browser; Ctrl-C ends it.`);
  await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  await server.close();
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? "/", "http://localhost");
}
