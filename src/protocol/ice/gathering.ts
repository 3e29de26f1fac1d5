import type { TransportAddress } from "../primitives/address.js";
import {
  newTransactionId,
  readErrorCode,
  readMappedAddress,
  StunClass,
  type StunMessage,
} from "../stun/index.js";
import { encodeServerRequest } from "./binding.js";
import type { IceCandidate } from "./candidate.js";
import type { IceCore, IceRequest } from "./core.js";
import { Gatherer, type GatherTask, type IceGatheringState } from "./gatherer.js";
import { isUsableRemote, type LocalPath } from "./pair.js";
import type { Relays } from "./relays.js";
import { isStreamSocket } from "./streams.js";
import type { IceAgentOptions, IceAsker } from "./types.js";

/** WebRTC 1.0 §4.8.2: the code for a STUN server that could not be reached. */
const SERVER_UNREACHABLE = 701;

/** Gathers local candidates: asks the servers, tells what was found and what was not (RFC 8445 §5.1.1). */
export class Gathering {
  readonly #core: IceCore;
  readonly #options: IceAgentOptions;
  readonly #usernameFragment: () => string;
  #gatherer: Gatherer;
  #hostsEnded = false;
  #nextUs = -Infinity;

  /** @param usernameFragment of the generation that candidates are told for */
  constructor(core: IceCore, options: IceAgentOptions, usernameFragment: () => string) {
    this.#core = core;
    this.#options = options;
    this.#usernameFragment = usernameFragment;
    this.#gatherer = this.#makeGatherer();
  }

  #makeGatherer(): Gatherer {
    const { stunServers = [], turn, lite } = this.#options;
    if (lite) return new Gatherer([]);
    return new Gatherer(this.#core.relayOnly ? [] : stunServers, turn?.servers);
  }

  get state(): IceGatheringState {
    return this.#gatherer.state;
  }

  /** A bound socket: its host candidate, and questions to the servers of its family. */
  addPath(path: LocalPath): void {
    this.#gatherer.addPath(path);
    this.announce(path.candidate);
  }

  /** No more paths will come. */
  end(): void {
    this.#hostsEnded = true;
    this.#gatherer.end();
    this.settle();
  }

  /** Forgets what was asked; {@link addPathsAgain} and {@link endAgain} are to follow. */
  restart(): void {
    this.#gatherer = this.#makeGatherer();
  }

  addPathsAgain(): void {
    for (const path of this.#core.locals.paths) {
      path.reflexive.clear();
      if (isStreamSocket(path.socketId)) continue;
      if (path.candidate.type !== "relay") this.#gatherer.addPath(path);
      this.announce(path.candidate);
    }
  }

  endAgain(): void {
    if (this.#hostsEnded) this.end();
  }

  announce(candidate: IceCandidate): void {
    if (this.#core.relayOnly && candidate.type !== "relay") return;
    const usernameFragment = this.#usernameFragment();
    this.#core.outputs.push({ type: "candidate", candidate: { ...candidate, usernameFragment } });
  }

  addReflexive(path: LocalPath, mapped: TransportAddress, server?: TransportAddress): void {
    const { candidate, isNew } = this.#core.locals.reflexive(path, mapped, "srflx", server);
    if (isNew) this.announce(candidate);
  }

  /** Says so when the last question has been settled. */
  settle(): void {
    if (this.#gatherer.settle()) this.#core.outputs.push({ type: "gatheringcomplete" });
  }

  /** One new question per Ta (RFC 8445 §14.2), on a clock of its own so that the first check never waits for it. */
  poll(nowUs: number, relays: Relays): void {
    if (!this.#gatherer.hasWork || nowUs < this.#nextUs) return;
    const task = this.#gatherer.take();
    if (!task) return;
    this.#nextUs = nowUs + this.#core.timers.taUs;
    if (!task.turn) {
      this.#askServer(task, nowUs);
      return;
    }
    // Allocations outlive a restart.
    if (relays.allocate(task.path, task.turn, nowUs)) return;
    this.#gatherer.finish();
    this.settle();
  }

  #askServer(task: GatherTask, nowUs: number): void {
    const { timers, random } = this.#core;
    const transactionId = newTransactionId(random);
    const { rtoUs, requestCount, lastWaitFactor, gatherTimeoutUs } = timers;
    this.#core.request(
      transactionId,
      encodeServerRequest(transactionId),
      { socketId: task.path.socketId, to: task.server },
      { kind: "gather", task },
      { rtoUs, requestCount, lastWaitFactor, limitUs: gatherTimeoutUs },
      nowUs,
    );
  }

  nextDeadlineUs(): number {
    return this.#gatherer.hasWork ? this.#nextUs : Infinity;
  }

  handleAnswer(request: IceRequest, task: GatherTask, message: StunMessage): void {
    this.#core.requests.finish(request);
    this.#gatherer.finish();
    const error = message.messageClass === StunClass.ErrorResponse ? readErrorCode(message) : undefined;
    const mapped = error ? undefined : readMappedAddress(message);
    if (mapped && isUsableRemote(mapped)) {
      this.addReflexive(task.path, mapped, task.server);
    } else {
      this.#report(
        task,
        error?.code ?? SERVER_UNREACHABLE,
        error?.reason ?? "No mapped address in the answer",
      );
    }
    this.settle();
  }

  /** A question got no answer in time. */
  handleExpired(task: GatherTask): void {
    this.#gatherer.finish();
    this.#report(task, SERVER_UNREACHABLE, "No answer from the STUN server");
    this.settle();
  }

  /** A relay's server has answered, whatever it said. */
  answered(): void {
    this.#gatherer.finish();
  }

  /** A server gave no relay. */
  refused(task: GatherTask, code: number, reason: string): void {
    this.#report(task, code, reason);
    this.settle();
  }

  #report(task: GatherTask, code: number, reason: string): void {
    const { socketId } = task.path;
    const url = task.turn?.url;
    const asker = this.#askerOf(task);
    const details = { server: task.server, asker, code, reason, ...(url !== undefined && { url }) };
    this.#core.outputs.push({ type: "candidateerror", socketId, ...details });
  }

  /** The local end of a question, as far as a candidate tells it to everybody (WebRTC 1.0 §4.8.3). */
  #askerOf({ path, turn }: GatherTask): IceAsker | null {
    const { address, port } = path.base;
    if (this.#core.relayOnly || path.candidate.address !== address) return null;
    const isOwnSocket = path.relaySocketId === undefined && (turn?.transport ?? "udp") === "udp";
    return { address, port: turn === undefined || isOwnSocket ? port : null };
  }
}
