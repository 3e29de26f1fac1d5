// Runs in the page of a browser that takes part in an interop call: its connection, driven by page_peer.ts.
const video = document.querySelector("video");
const audio = document.querySelector("audio");
globalThis.interop = {
  connect() {
    this.close();
    const pc = new RTCPeerConnection();
    this.pc = pc;
    pc.onicecandidate = ({ candidate }) => candidate && this.pc === pc && sendCandidate(candidate.toJSON());
    return pc;
  },
  async start(picture, fakeMicrophone) {
    const pc = this.connect();
    pc.ondatachannel = ({ channel }) => this.echo(channel);
    pc.ontrack = ({ track }) => {
      (track.kind === "video" ? video : audio).srcObject = new MediaStream([track]);
    };
    this.media = await navigator.mediaDevices.getUserMedia({ audio: !fakeMicrophone, video: picture });
    if (fakeMicrophone) {
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      for (const track of (await deviceMedia({ audio: plain })).getTracks()) this.media.addTrack(track);
    }
    for (const track of this.media.getTracks()) pc.addTrack(track, this.media);
  },
  /** A connection that sends its picture in these layers, or, without any, shows each section in an element of its own. */
  async startLayers(sendEncodings) {
    const pc = this.connect();
    pc.ontrack = ({ track, transceiver }) => {
      const element = Object.assign(document.createElement("video"), { autoplay: true, muted: true });
      element.className = "layer";
      element.id = `layer-${transceiver.mid}`;
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
    };
    if (sendEncodings.length === 0) return;
    this.media = await navigator.mediaDevices.getUserMedia({ video: true });
    pc.addTransceiver(this.media.getVideoTracks()[0], { direction: "sendonly", sendEncodings });
  },
  /** What the section's element shows: its width, and the block code. */
  readLayer(mid) {
    const selector = `#layer-${mid}`;
    return { width: document.querySelector(selector)?.videoWidth ?? 0, code: pageMedia.code(selector) };
  },
  async offer(iceRestart) {
    const { pc } = this;
    const offer = await pc.createOffer({ iceRestart });
    await pc.setLocalDescription(offer);
    return offer.sdp;
  },
  async answer(sdp) {
    const { pc } = this;
    await pc.setRemoteDescription({ type: "offer", sdp });
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    return answer.sdp;
  },
  accept(sdp) {
    return this.pc.setRemoteDescription({ type: "answer", sdp });
  },
  addCandidate(candidate) {
    return this.pc.addIceCandidate(candidate);
  },
  change(what) {
    const { pc, media } = this;
    const kind = what.endsWith("Video") ? "video" : "audio";
    const track = media.getTracks().find((each) => each.kind === kind);
    if (what.startsWith("add")) pc.addTrack(track, media);
    else pc.removeTrack(pc.getSenders().find((sender) => sender.track === track));
  },
  /** Browsers do not count what parity of RED mends. */
  async repairs() {
    const all = [...(await this.pc.getStats()).values()];
    const video = all.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    return { lost: video.packetsLost, repeated: video.retransmittedPacketsReceived ?? 0, mended: null };
  },
  openChannel() {
    this.echo(this.pc.createDataChannel("interop"));
  },
  echo(channel) {
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => channel.send(data);
  },
  /** What is heard over 0.6 s, 48 kHz mono. */
  async record() {
    const recorder = new MediaRecorder(audio.srcObject);
    const chunks = [];
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    const stopped = new Promise((resolve) => {
      recorder.onstop = resolve;
    });
    recorder.start();
    setTimeout(() => recorder.stop(), 600);
    await stopped;
    const bytes = await new Blob(chunks).arrayBuffer();
    if (bytes.byteLength === 0) return [];
    const sound = await new OfflineAudioContext(1, 48_000, 48_000).decodeAudioData(bytes);
    return [...sound.getChannelData(0)].map((sample) => Math.round(sample * 32_767));
  },
  state() {
    const dtls = this.pc?.getSenders()[0]?.transport?.state;
    return [this.pc?.connectionState ?? "none", ...(dtls ? [`DTLS ${dtls}`] : [])].join(", ");
  },
  close() {
    this.pc?.close();
    this.pc = undefined;
    video.srcObject = audio.srcObject = null;
    for (const element of document.querySelectorAll("video.layer")) element.remove();
  },
};
