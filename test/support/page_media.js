// Runs in the page. What a page gets in place of a camera and a microphone: a canvas whose picture carries the block
// code, and an oscillator; and the readers that tell what arrived. Plain JavaScript, since it lives in a browser.
globalThis.pageMedia = {
  /** Replaces getUserMedia; `strips` are four grey rows (base64) for each frame number. */
  install({ width, height, toneHz, strips }) {
    const decode = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const codes = strips.map((strip) => strip.split(" ").map(decode));
    const paint = (context, frame) => {
      context.fillStyle = `hsl(${(frame * 6) % 360} 60% 50%)`;
      context.fillRect(0, 0, width, height);
      context.fillStyle = "white";
      context.fillRect((frame * 10) % width, height / 2, 40, 40);
      codes[frame % codes.length].forEach((row, index) => {
        const top = Math.floor(((index + 1) * height) / 45);
        const bottom = Math.floor(((index + 2) * height) / 45);
        const strip = context.createImageData(width, bottom - top);
        for (let i = 0; i < strip.data.length; i += 4) {
          const grey = row[(i / 4) % width];
          strip.data.set([grey, grey, grey, 255], i);
        }
        context.putImageData(strip, 0, top);
      });
    };
    const pictures = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d");
      let frame = 0;
      paint(context, frame);
      setInterval(() => paint(context, ++frame), 33);
      return canvas.captureStream(30).getVideoTracks()[0];
    };
    const tone = () => {
      const audio = new AudioContext();
      const oscillator = new OscillatorNode(audio, { frequency: toneHz });
      const destination = audio.createMediaStreamDestination();
      oscillator.connect(new GainNode(audio, { gain: 0.3 })).connect(destination);
      oscillator.start();
      return destination.stream.getAudioTracks()[0];
    };
    navigator.mediaDevices.getUserMedia = async (constraints) =>
      new MediaStream([...(constraints?.video ? [pictures()] : []), ...(constraints?.audio ? [tone()] : [])]);
  },

  /** The block code in what the video element shows now; `read` is the engine's own reader, put here by the test. */
  code(selector) {
    const video = document.querySelector(selector);
    if (!video?.videoWidth) return null;
    const { videoWidth: width, videoHeight: height } = video;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const image = context.getImageData(0, 0, width, height);
    return this.read(image.data, width, height, width * 4, 4, 1);
  },

  /** The strongest frequency (Hz) in a media element's stream over about 0.7 s; 0 for silence. */
  async tone(selector) {
    const element = document.querySelector(selector);
    if (!(element?.srcObject instanceof MediaStream)) return 0;
    const audio = new AudioContext();
    const analyser = new AnalyserNode(audio, { fftSize: 32768, smoothingTimeConstant: 0 });
    audio.createMediaStreamSource(element.srcObject).connect(analyser);
    await new Promise((done) => setTimeout(done, (32768 / audio.sampleRate) * 1000 + 100));
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const strongest = levels.indexOf(Math.max(...levels));
    await audio.close();
    return levels[strongest] > -80 ? (strongest * audio.sampleRate) / 32768 : 0;
  },
};
