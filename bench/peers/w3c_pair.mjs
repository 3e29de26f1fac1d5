/** Two connections of a stack with the W3C's API, in one process, candidates trickled from one to the other. */
export class W3cPair {
  constructor(create) {
    this.offerer = create();
    this.answerer = create();
    this.toAnswerer = new Trickle(this.offerer, this.answerer);
    this.toOfferer = new Trickle(this.answerer, this.offerer);
    this.offerer.addTransceiver("audio", { direction: "recvonly" });
  }

  async connect() {
    const both = Promise.all([whenConnected(this.offerer), whenConnected(this.answerer)]);
    const offer = await this.offerer.createOffer();
    await this.offerer.setLocalDescription(offer);
    await this.answerer.setRemoteDescription(offer);
    this.toAnswerer.open();
    const answer = await this.answerer.createAnswer();
    await this.answerer.setLocalDescription(answer);
    await this.offerer.setRemoteDescription(answer);
    this.toOfferer.open();
    await both;
  }

  async close() {
    await this.offerer.close();
    await this.answerer.close();
  }
}

/** Hands one side's candidates to the other, those that come before its remote description once that is there. */
class Trickle {
  #early = [];

  constructor(from, to) {
    this.to = to;
    from.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      if (this.#early === undefined) this.#add(candidate);
      else this.#early.push(candidate);
    };
  }

  open() {
    const early = this.#early;
    this.#early = undefined;
    for (const candidate of early) this.#add(candidate);
  }

  #add(candidate) {
    // A connection that is closed meanwhile takes no candidate.
    this.to.addIceCandidate(candidate).catch(() => {});
  }
}

function whenConnected(connection) {
  return new Promise((resolve, reject) => {
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "connected") resolve();
      if (connection.connectionState === "failed") reject(new Error("the connection failed"));
    };
  });
}
