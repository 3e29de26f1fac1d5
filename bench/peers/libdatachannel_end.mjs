/** One end of a connection with a data channel, as w3c_end.mjs, by node-datachannel's own API. */
export class DataEnd {
  #described;

  constructor(connection, offers, onCandidate) {
    this.connection = connection;
    connection.onLocalCandidate((candidate, mid) => onCandidate({ candidate, sdpMid: mid }));
    this.#described = new Promise((resolve) => {
      connection.onLocalDescription((sdp) => resolve(sdp));
    });
    this.opened = new Promise((resolve) => {
      const adopt = (channel) => {
        this.channel = channel;
        channel.onMessage((data) => this.onMessage(data));
        if (channel.isOpen()) resolve();
        else channel.onOpen(() => resolve());
      };
      if (offers) adopt(connection.createDataChannel("bench"));
      else connection.onDataChannel(adopt);
    });
  }

  onMessage() {}

  /** Making the channel made the description. */
  offer() {
    return this.#described;
  }

  answer(sdp) {
    this.connection.setRemoteDescription(sdp, "offer");
    return this.#described;
  }

  accept(sdp) {
    this.connection.setRemoteDescription(sdp, "answer");
  }

  addCandidate({ candidate, sdpMid }) {
    this.connection.addRemoteCandidate(candidate, sdpMid);
  }

  send(bytes) {
    this.channel.sendMessageBinary(bytes);
  }

  get bufferedBytes() {
    return this.channel.bufferedAmount();
  }

  close() {
    this.connection.close();
  }
}
