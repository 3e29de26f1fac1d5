/** One end of a connection with a data channel, of a stack with the W3C's API. */
export class W3cEnd {
  constructor(connection, offers, onCandidate) {
    this.connection = connection;
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) onCandidate(candidate.toJSON?.() ?? candidate);
    };
    this.opened = new Promise((resolve) => {
      const adopt = (channel) => {
        channel.binaryType = "arraybuffer";
        this.channel = channel;
        // Set before the channel opens: what the peer sends at once is not missed.
        channel.onmessage = ({ data }) => this.onMessage(data);
        if (channel.readyState === "open") resolve();
        else channel.onopen = () => resolve();
      };
      if (offers) adopt(connection.createDataChannel("bench"));
      else connection.ondatachannel = ({ channel }) => adopt(channel);
    });
  }

  onMessage() {}

  async offer() {
    const offer = await this.connection.createOffer();
    await this.connection.setLocalDescription(offer);
    return offer.sdp;
  }

  async answer(sdp) {
    await this.connection.setRemoteDescription({ type: "offer", sdp });
    const answer = await this.connection.createAnswer();
    await this.connection.setLocalDescription(answer);
    return answer.sdp;
  }

  accept(sdp) {
    return this.connection.setRemoteDescription({ type: "answer", sdp });
  }

  addCandidate(candidate) {
    return this.connection.addIceCandidate(candidate);
  }

  send(bytes) {
    this.channel.send(bytes);
  }

  get bufferedBytes() {
    return this.channel.bufferedAmount;
  }

  close() {
    return this.connection.close();
  }
}
