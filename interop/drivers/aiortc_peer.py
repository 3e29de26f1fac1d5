"""aiortc (Python) as a peer of an interop call; speaks the protocol of interop/process_peer.ts."""

import asyncio
import fractions
import json
import sys
import time

import aiortc
import av
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

from driver import Clip, text, write

FACTS = {
    "version": aiortc.__version__,
    "gathersFirst": True,
    "unsupported": {"tcp": "aioice has UDP candidates only", "restart": "aiortc keeps one ICE generation for a connection's life: createOffer takes no iceRestart"},
}

SAMPLES = 960


class Paced(MediaStreamTrack):
    """Hands out frame after frame at its own rate."""

    def __init__(self, clip):
        super().__init__()
        self.clip = clip
        self.number = 0
        self.begun = None

    async def pace(self, interval):
        now = time.monotonic()
        if self.begun is None:
            self.begun = now
        due = self.begun + self.number * interval
        self.number += 1
        await asyncio.sleep(max(0, due - now))
        return self.number - 1


class Picture(Paced):
    kind = "video"

    async def recv(self):
        number = await self.pace(1 / self.clip.frame_rate)
        frame = av.VideoFrame(self.clip.width, self.clip.height, "yuv420p")
        data = self.clip.picture(number)
        at = 0
        for plane in frame.planes:
            # FFmpeg pads its rows.
            rows, width = plane.height, plane.width
            padded = bytearray(plane.line_size * rows)
            for row in range(rows):
                padded[row * plane.line_size : row * plane.line_size + width] = data[at : at + width]
                at += width
            plane.update(bytes(padded))
        frame.pts = number * 90000 // self.clip.frame_rate
        frame.time_base = fractions.Fraction(1, 90000)
        return frame


class Sound(Paced):
    kind = "audio"

    async def recv(self):
        number = await self.pace(SAMPLES / 48000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(self.clip.samples(number * SAMPLES, SAMPLES))
        frame.pts = number * SAMPLES
        frame.sample_rate = 48000
        frame.time_base = fractions.Fraction(1, 48000)
        return frame


class Peer:
    def __init__(self):
        self.pc = None
        self.clip = None
        self.picture_frame = None
        self.sound = b""
        self.rate = 48000
        self.channels = 2
        self.video_sender = None

    async def hello(self, _):
        return FACTS

    async def start(self, request):
        await self.close(None)
        self.clip = Clip(request["media"])
        self.picture_frame, self.sound = None, b""
        self.pc = RTCPeerConnection()
        # Its offers describe data channels as drafts before RFC 8841 did, unless told otherwise.
        self.pc._sctpLegacySdp = False
        self.pc.on("track", self.on_track)
        self.pc.on("datachannel", self.echo)
        self.pc.addTrack(Sound(self.clip))
        self.video_sender = self.pc.addTrack(Picture(self.clip))
        return {}

    def on_track(self, track):
        asyncio.ensure_future(self.watch(track) if track.kind == "video" else self.listen(track))

    async def watch(self, track):
        while True:
            try:
                self.picture_frame = await track.recv()
            except aiortc.mediastreams.MediaStreamError:
                return

    async def listen(self, track):
        while True:
            try:
                frame = await track.recv()
            except aiortc.mediastreams.MediaStreamError:
                return
            self.rate, self.channels = frame.sample_rate, len(frame.layout.channels)
            self.sound = (self.sound + bytes(frame.planes[0])[: frame.samples * self.channels * 2])[-96000:]

    async def offer(self, _):
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return {"sdp": self.pc.localDescription.sdp}

    async def answer(self, request):
        await self.pc.setRemoteDescription(RTCSessionDescription(request["sdp"], "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return {"sdp": self.pc.localDescription.sdp}

    async def accept(self, request):
        await self.pc.setRemoteDescription(RTCSessionDescription(request["sdp"], "answer"))
        return {}

    async def candidate(self, request):
        init = request["candidate"]
        candidate = candidate_from_sdp(init["candidate"].split(":", 1)[1])
        candidate.sdpMid, candidate.sdpMLineIndex = init.get("sdpMid"), init.get("sdpMLineIndex")
        await self.pc.addIceCandidate(candidate)
        return {}

    async def picture(self, _):
        frame = self.picture_frame
        if frame is None:
            return {}
        plane = frame.planes[0]
        data = bytes(plane)
        luma = b"".join(
            data[row * plane.line_size : row * plane.line_size + frame.width] for row in range(frame.height)
        )
        return {"width": frame.width, "height": frame.height, "luma": text(luma)}

    async def sound_now(self, _):
        return {"rate": self.rate, "channels": self.channels, "pcm": text(self.sound)}

    async def remove_video(self, _):
        # No removeTrack here: the transceiver's direction says it.
        for transceiver in self.pc.getTransceivers():
            if transceiver.sender is self.video_sender:
                transceiver.direction = "recvonly"
        self.video_sender.replaceTrack(None)
        return {}

    async def add_video(self, _):
        # addTrack would take the idle sender again; what is asked for is a new one.
        self.video_sender = self.pc.addTransceiver(Picture(self.clip), "sendrecv").sender
        return {}

    async def open_channel(self, _):
        self.echo(self.pc.createDataChannel("interop"))
        return {}

    def echo(self, channel):
        channel.on("message", channel.send)

    async def state(self, _):
        if self.pc is None:
            return {"state": "none"}
        dtls = {transceiver.receiver.transport.state for transceiver in self.pc.getTransceivers()}
        return {"state": ", ".join([self.pc.connectionState, *(f"DTLS {state}" for state in sorted(dtls))])}

    async def close(self, _):
        if self.pc:
            await self.pc.close()
        return {}

    async def handle(self, request):
        actions = {"sound": self.sound_now, "removeVideo": self.remove_video, "addVideo": self.add_video}
        actions["openChannel"] = self.open_channel
        action = actions.get(request["do"]) or getattr(self, request["do"])
        try:
            write({"id": request["id"], "result": await action(request)})
        except Exception as error:  # noqa: BLE001: whatever it is, the runner wants to hear of it
            write({"id": request["id"], "error": f"{type(error).__name__}: {error}"})


async def main():
    peer = Peer()
    reader = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        asyncio.ensure_future(peer.handle(json.loads(line)))
    await peer.close(None)


asyncio.run(main())
