/** Camera and microphone, with plain words for what is missing, and a test picture to stand in for the camera. */

export interface LocalMedia {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
  /** What the user should know; empty when both are there. */
  problems: string[];
  /** Whether `video` is the test picture. */
  testPicture: boolean;
}

const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};
const AUDIO: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

/** What went wrong with one device, and what to do. */
function explain(device: "camera" | "microphone", error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  const consequence = device === "camera" ? "Others will not see you." : "Others will not hear you.";
  switch (name) {
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${device} was found. ${consequence}`;
    case "NotAllowedError":
    case "SecurityError":
      return `This page may not use the ${device}. ${consequence} Allow it in the browser's address bar.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${device} is in use by another program. ${consequence}`;
    default:
      return `The ${device} cannot be used. ${consequence}`;
  }
}

async function open(constraints: MediaStreamConstraints): Promise<MediaStreamTrack[]> {
  if (navigator.mediaDevices === undefined) {
    throw new DOMException("needs https or localhost", "SecurityError");
  }
  return (await navigator.mediaDevices.getUserMedia(constraints)).getTracks();
}

async function openOne(
  device: "camera" | "microphone",
  constraints: MediaStreamConstraints,
  problems: string[],
): Promise<MediaStreamTrack | null> {
  try {
    return (await open(constraints))[0] ?? null;
  } catch (error) {
    problems.push(explain(device, error));
    return null;
  }
}

/** Opens both at once, so that the browser asks once; what fails together is tried apart. */
export async function openLocalMedia(): Promise<LocalMedia> {
  const problems: string[] = [];
  const media = { problems, testPicture: false };
  try {
    const tracks = await open({ audio: AUDIO, video: VIDEO });
    const ofKind = (kind: string): MediaStreamTrack | null =>
      tracks.find((track) => track.kind === kind) ?? null;
    return { ...media, audio: ofKind("audio"), video: ofKind("video") };
  } catch {
    const video = await openOne("camera", { video: VIDEO }, problems);
    const audio = await openOne("microphone", { audio: AUDIO }, problems);
    return { ...media, audio, video };
  }
}

export function stopLocalMedia(media: LocalMedia | null): void {
  media?.audio?.stop();
  media?.video?.stop();
}

function drawTestPicture(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  seconds: number,
): void {
  const { width, height } = canvas;
  const colours = ["#c7ccd6", "#c9b458", "#4fb0ae", "#58a65c", "#a65ca0", "#b8514f", "#4a5fb0"];
  const bar = width / colours.length;
  for (const [index, colour] of colours.entries()) {
    context.fillStyle = colour;
    context.fillRect(index * bar, 0, bar + 1, height);
  }
  const x = width / 2 + Math.cos(seconds) * width * 0.3;
  const y = height / 2 + Math.sin(seconds * 1.7) * height * 0.25;
  context.fillStyle = "#ffffff";
  context.beginPath();
  context.arc(x, y, height * 0.08, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = "#12151b";
  context.fillRect(0, height * 0.86, width, height * 0.14);
  context.fillStyle = "#ffffff";
  context.font = `${Math.round(height * 0.07)}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.fillText(`test picture  ${new Date().toLocaleTimeString()}`, width * 0.03, height * 0.93);
}

/** A moving picture instead of the camera; drawing ends with the track. */
export function openTestPicture(): MediaStreamTrack {
  const canvas = document.createElement("canvas");
  canvas.width = 1280;
  canvas.height = 720;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  drawTestPicture(canvas, context, 0);
  const [track] = canvas.captureStream(30).getVideoTracks() as [MediaStreamTrack];
  const started = performance.now();
  const timer = setInterval(() => {
    if (track.readyState === "ended") clearInterval(timer);
    else drawTestPicture(canvas, context, (performance.now() - started) / 1000);
  }, 1000 / 30);
  return track;
}
