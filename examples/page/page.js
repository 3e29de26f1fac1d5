// What the pages of the examples share, in the browser: calling the program that served them, and showing what comes.

const byId = (id) => document.getElementById(id);

/** A line in the page's log. */
export function say(text) {
  const line = document.createElement("li");
  line.textContent = text;
  byId("log").append(line);
  line.scrollIntoView({ block: "nearest" });
}

/** A button that is disabled while what it does goes on. */
export function button(label, act) {
  const element = document.createElement("button");
  element.textContent = label;
  element.onclick = async () => {
    element.disabled = true;
    try {
      await act(element);
    } catch (error) {
      say(`${label}: ${error.message}`);
    }
    element.disabled = false;
  };
  byId("controls").append(element);
  return element;
}

/** Plays a track, or a stream, in a picture of its own; `element.remove()` takes it away. Sound starts muted. */
export function show(trackOrStream) {
  const video = document.createElement("video");
  Object.assign(video, { autoplay: true, muted: true, controls: true, playsInline: true });
  video.srcObject = trackOrStream instanceof MediaStream ? trackOrStream : new MediaStream([trackOrStream]);
  byId("stage").append(video);
  return video;
}

/** Shows all that a connection receives as one picture with sound. */
export function showReceived(pc) {
  const stream = new MediaStream();
  pc.addEventListener("track", ({ track }) => {
    stream.addTrack(track);
    if (stream.getTracks().length === 1) show(stream);
  });
}

/** A bar; the returned function sets it, from 0 to 1. */
export function progress() {
  const bar = document.createElement("progress");
  byId("stage").append(bar);
  bar.value = 0;
  return (value) => {
    bar.value = value;
  };
}

/** A curve of the last `length` values; the returned function adds one. */
export function plot(title, unit, length = 60) {
  const figure = document.createElement("figure");
  figure.innerHTML = `<figcaption><span></span><output></output></figcaption>
    <svg viewBox="0 0 100 100" preserveAspectRatio="none"><line x2="100" y1="100" y2="100"/><polyline/></svg>`;
  figure.querySelector("span").textContent = title;
  byId("stage").append(figure);
  const values = [];
  return (value) => {
    values.push(value);
    if (values.length > length) values.shift();
    const top = Math.max(...values) * 1.1 || 1;
    const points = values.map((each, i) => `${(100 * i) / (length - 1)},${100 - (100 * each) / top}`);
    figure.querySelector("polyline").setAttribute("points", points.join(" "));
    figure.querySelector("output").textContent = `${value.toFixed(1)} ${unit}`;
  };
}

/** Camera and microphone, or a drawing that moves where the page gets none. */
export async function myMedia(size = { width: 640, height: 360 }) {
  try {
    return await navigator.mediaDevices.getUserMedia({ video: size, audio: true });
  } catch {
    say("No camera and microphone: sending a drawing.");
    return drawing(size);
  }
}

function drawing({ width, height }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  let frame = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${frame % 360} 60% 45%)`;
    context.fillRect(0, 0, width, height);
    context.fillStyle = "white";
    context.beginPath();
    const [x, y] = [width * (0.5 + 0.3 * Math.cos(frame / 20)), height * (0.5 + 0.3 * Math.sin(frame / 20))];
    context.arc(x, y, height / 9, 0, 7);
    context.fill();
    frame++;
  }, 33);
  return canvas.captureStream(30);
}

function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
}

/** Offers what `pc` has to the program that served the page, and takes its answer: one request, all candidates in it. */
export async function call(pc, query = "") {
  const tell = () => {
    byId("state").textContent = pc.connectionState;
    byId("state").dataset.state = pc.connectionState;
  };
  pc.addEventListener("connectionstatechange", tell);
  await pc.setLocalDescription();
  await gathered(pc);
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(pc.localDescription);
  const response = await fetch(`/offer${query}`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  await pc.setRemoteDescription(await response.json());
}
