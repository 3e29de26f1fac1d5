/**
 * Publishing by WHIP (RFC 9725), whatever the peer: its descriptions and candidates go over HTTP as the protocol has them, to our
 * endpoint or from our client. Proven by the picture that is published.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { publishMedia, serveMedia } from "../src/exchange/index.js";
import {
  FRAGMENT_TYPE,
  fragmentOf,
  parseFragment,
  writeFragment,
} from "../src/exchange/whip/sdp_fragment.js";
import type { Offerer, Verdict } from "./call.js";
import { OURS, type OurConnection, type OurEnd } from "./our_end.js";
import type { InteropPeer, MediaFiles } from "./peer.js";
import { until } from "./until.js";

const MEDIA_S = 20;
const ENOUGH_FRAMES = 10;
const SDP_TYPE = "application/sdp";

export class WhipCall {
  readonly #connection: OurConnection;

  constructor(
    private readonly ours: OurEnd,
    private readonly peer: InteropPeer,
    private readonly media: MediaFiles,
    private readonly offerer: Offerer,
  ) {
    this.#connection = ours.connect(["H264", "VP8"]);
  }

  async run(): Promise<Verdict> {
    try {
      this.ours.watch(this.media.tag);
      await this.peer.start(this.media);
      return {
        kind: "proven",
        proof: this.offerer === "they" ? await this.#theyPublish() : await this.#wePublish(),
      };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const flaw = this.offerer === "we" ? this.peer.facts.flaws?.whip : undefined;
      if (flaw !== undefined) return { kind: "unsupported", reason: `${text}: ${flaw}` };
      return { kind: "failed", error: `${text}; ${await this.#connection.counters()}` };
    } finally {
      await this.peer.close().catch(() => undefined);
      await this.#connection.close();
    }
  }

  async #theyPublish(): Promise<string> {
    const server = await serveMedia({ connect: () => this.#connection.pc });
    try {
      const early: string[] = [];
      this.peer.onCandidate = ({ candidate }) => candidate && early.push(candidate);
      const offer = await this.peer.offer(false);
      const created = await request(server.url, "POST", SDP_TYPE, offer);
      if (created.status !== 201) throw new Error(`POST gave ${created.status}: ${await created.text()}`);
      const session = new URL(created.headers.get("location") ?? "", server.url);
      const etag = created.headers.get("etag") ?? "";
      await this.peer.accept(await created.text());
      const patch = (line: string) => patchCandidate(session, etag, offer, line);
      for (const line of early) await patch(line);
      const late: Promise<void>[] = [];
      this.peer.onCandidate = ({ candidate }) => candidate && late.push(patch(candidate));
      await until(
        "no pictures from them",
        MEDIA_S,
        () => (this.ours.framesSeen >= ENOUGH_FRAMES ? true : undefined),
        () => `: ${this.ours.framesSeen} frames`,
      );
      await Promise.all(late);
      const { here } = await this.#connection.codecsOf("video");
      const ended = await request(session, "DELETE");
      if (ended.status !== 200) throw new Error(`DELETE gave ${ended.status}`);
      return `${this.ours.framesSeen} frames from them in ${here}, ${early.length + late.length} candidates by PATCH`;
    } finally {
      await server.close();
    }
  }

  async #wePublish(): Promise<string> {
    const front = await PeerEndpoint.open(this.peer);
    try {
      this.#connection.addMedia(true);
      const session = await publishMedia(this.#connection.pc, front.url, { trickle: true });
      const frames = new Set<number>();
      await until(
        "they decode no moving picture of ours",
        MEDIA_S,
        async () => {
          const code = await this.peer.readCode();
          if (code?.tag === OURS.tag) frames.add(code.frameNumber);
          return frames.size > 1 ? true : undefined;
        },
        () => `: ${frames.size} frames`,
      );
      await session.close();
      if (!front.wasDeleted) throw new Error("our client did not delete its session");
      return `ours there: #${[...frames].join(", #")}, ${front.patched} candidates by PATCH`;
    } finally {
      front.close();
    }
  }
}

function request(
  url: string | URL,
  method: string,
  type?: string,
  body?: string,
  etag = "",
): Promise<Response> {
  const headers = { ...(type && { "Content-Type": type }), ...(etag && { "If-Match": etag }) };
  return fetch(url, { method, headers, ...(body !== undefined && { body }) });
}

async function patchCandidate(session: URL, etag: string, offer: string, candidate: string): Promise<void> {
  const { ufrag, pwd, media, mid } = fragmentOf(offer);
  const line = { candidate: candidate.replace(/^a=/, ""), mid };
  const body = writeFragment({ ufrag, pwd, candidates: [line], endOfCandidates: false }, media, mid);
  const { status } = await request(session, "PATCH", FRAGMENT_TYPE, body, etag);
  if (status !== 204) throw new Error(`PATCH gave ${status}`);
}

/** A WHIP endpoint in front of a foreign peer, for our client: one session. */
class PeerEndpoint {
  patched = 0;
  wasDeleted = false;
  readonly #peer: InteropPeer;
  readonly #server = createServer((incoming, response) => {
    this.#answer(incoming, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });

  static async open(peer: InteropPeer): Promise<PeerEndpoint> {
    const endpoint = new PeerEndpoint(peer);
    await new Promise<void>((resolve) => endpoint.#server.listen(0, "127.0.0.1", resolve));
    return endpoint;
  }

  private constructor(peer: InteropPeer) {
    this.#peer = peer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/whip`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    if (incoming.method === "POST") {
      const sdp = await this.#gathered(body);
      const head = { "Content-Type": SDP_TYPE, Location: "/whip/1", ETag: '"1"' };
      response.writeHead(201, head).end(sdp);
      return;
    }
    if (incoming.method === "PATCH") {
      for (const { candidate, mid } of parseFragment(body).candidates) {
        await this.#peer.addCandidate({ candidate, sdpMid: mid ?? null, sdpMLineIndex: 0 });
        this.patched++;
      }
      response.writeHead(204).end();
      return;
    }
    this.wasDeleted ||= incoming.method === "DELETE";
    response.writeHead(200).end();
  }

  /** The answer with the peer's candidates in its first section: a WHIP endpoint tells of them there and nowhere else. */
  async #gathered(offer: string): Promise<string> {
    const lines: string[] = [];
    this.#peer.onCandidate = ({ candidate }) => {
      if (candidate) lines.push(`a=${candidate.replace(/^a=/, "")}`);
    };
    const answer = await this.#peer.answer(offer);
    if (answer.includes("a=candidate:")) return answer;
    await until("the peer has no candidates", MEDIA_S, () => (lines.length > 0 ? true : undefined));
    const section = answer.split(/(?=^m=)/m);
    section[1] = `${section[1]}${[...new Set(lines)].join("\r\n")}\r\n`;
    return section.join("");
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of incoming.setEncoding("utf8")) text += piece;
  return text;
}
