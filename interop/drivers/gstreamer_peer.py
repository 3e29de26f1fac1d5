"""GStreamer's webrtcbin as a peer of an interop call; speaks the protocol of interop/process_peer.ts."""

import json
import re
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from driver import Clip, tell_candidate, text, write  # noqa: E402

Gst.init(None)

FACTS = {
    "version": ".".join(str(part) for part in Gst.version()[:3]),
    "countsRepairs": True,
    "unsupported": {
        "restart": "webrtcbin 1.22 has no ICE restart: create-offer takes no options",
        "renegotiation": "webrtcbin 1.22: 'transceiver direction changes are not implemented'",
    },
}

SAMPLES = 960


def payload_types(offer, codec):
    """Payload types of the picture (H.264: packetization mode 1 first) and Opus (0: none) in an offer; 102 and 111 in ours."""
    if offer is None:
        return 102, 111
    opus = re.findall(r"^a=rtpmap:(\d+) opus/48000", offer, re.M) or ["0"]
    if codec == "VP8":
        return int(re.findall(r"^a=rtpmap:(\d+) VP8/90000", offer, re.M)[0]), int(opus[0])
    h264 = re.findall(r"^a=rtpmap:(\d+) H264/90000", offer, re.M)
    preferred = [
        payload for payload in h264 if re.search(rf"^a=fmtp:{payload} .*packetization-mode=1", offer, re.M)
    ]
    return int((preferred or h264)[0]), int(opus[0])


ENCODERS = {
    "H264": """openh264enc complexity=low bitrate=1000000 gop-size=30
            ! video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1
            ! rtph264pay aggregate-mode=zero-latency""",
    "VP8": "vp8enc deadline=1 cpu-used=8 target-bitrate=1000000 keyframe-max-dist=30 ! rtpvp8pay picture-id-mode=15-bit",
}


def picture_text(clip, codec, payload):
    return f"""appsrc name=picture is-live=true format=time do-timestamp=true
            caps=video/x-raw,format=I420,width={clip.width},height={clip.height},framerate={clip.frame_rate}/1
            ! queue ! {ENCODERS[codec]} pt={payload}
            ! capsfilter caps=application/x-rtp,media=video,encoding-name={codec},payload={payload}"""


SOUND_ENCODERS = {
    "opus": "opusenc ! rtpopuspay",
    # Both stacks state 20 ms by saying nothing.
    "PCMU": "audioresample ! audio/x-raw,rate=8000 ! mulawenc ! rtppcmupay min-ptime=20000000 max-ptime=20000000",
}


def sound_text(codec, payload):
    return f"""appsrc name=sound is-live=true format=time do-timestamp=true
            caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved
            ! queue ! audioconvert ! {SOUND_ENCODERS[codec]} pt={payload}
            ! capsfilter caps=application/x-rtp,media=audio,encoding-name={codec.upper()},payload={payload}"""


class Peer:
    def __init__(self):
        self.pipeline = None
        self.clip = None
        self.codec = "H264"
        self.repair = None
        self.running = False
        self.frame = None
        self.sound_heard = b""

    def hello(self, _):
        return FACTS

    def start(self, request):
        self.close(None)
        self.clip = Clip(request["media"])
        self.codec = request["media"]["videoCodec"]
        self.sound_codec = request["media"].get("soundCodec", "opus")
        self.repair = request.get("repair")
        self.frame, self.sound_heard = None, b""
        self.wants_channel, self.channels = False, []
        return {}

    def open(self, offer):
        """The payload types must be known before the pads are: an answer follows the offer's."""
        if self.pipeline is not None:
            return
        video, opus = payload_types(offer, self.codec)
        self.pipeline = Gst.Pipeline()
        self.peer = Gst.parse_launch("webrtcbin bundle-policy=max-bundle latency=50")
        self.pipeline.add(self.peer)
        self.peer.connect("on-ice-candidate", lambda _, index, line: line and tell_candidate(line, None, index))
        self.peer.connect("pad-added", self.on_pad)
        self.peer.connect("on-data-channel", lambda _, channel: self.echo(channel))
        self.running = True
        sound = opus if self.sound_codec == "opus" else 0
        self.send(sound_text(self.sound_codec, sound), "sound", self.push_sound)
        self.send(picture_text(self.clip, self.codec, video), "picture", self.push_pictures)
        if self.wants_channel:
            # webrtcbin makes channels from READY on.
            self.pipeline.set_state(Gst.State.READY)
            self.echo(self.peer.emit("create-data-channel", "interop", None))
        self.pipeline.set_state(Gst.State.PLAYING)

    def send(self, description, name, push):
        """A branch of its own into a new pad of webrtcbin."""
        branch = Gst.parse_bin_from_description(description, True)
        self.pipeline.add(branch)
        pad = self.peer.request_pad_simple("sink_%u")
        if name == "picture":
            self.set_repair(pad.get_property("transceiver"))
        branch.get_static_pad("src").link(pad)
        branch.sync_state_with_parent()
        threading.Thread(target=push, args=(branch.get_by_name(name),), daemon=True).start()

    def set_repair(self, transceiver):
        if self.repair == "rtx":
            transceiver.set_property("do-nack", True)
        elif self.repair == "fec":
            transceiver.set_property("fec-type", GstWebRTC.WebRTCFECType.ULP_RED)
            transceiver.set_property("fec-percentage", 100)

    def repairs(self, _):
        """What its elements for the stream that comes have counted."""
        repeated, mended, lost = 0, 0, 0
        elements = self.peer.iterate_recurse()
        while True:
            result, element = elements.next()
            if result != Gst.IteratorResult.OK:
                break
            kind = element.get_factory().get_name() if element.get_factory() else ""
            if kind == "rtprtxreceive":
                repeated += element.get_property("num-rtx-assoc-packets")
            elif kind == "rtpulpfecdec":
                mended += element.get_property("recovered")
                lost += element.get_property("unrecovered") + element.get_property("recovered")
        return {"lost": lost, "repeated": repeated, "mended": mended}

    def openChannel(self, _):  # noqa: N802: the request's name
        self.wants_channel = True
        return {}

    def echo(self, channel):
        self.channels.append(channel)
        channel.connect("on-message-string", lambda _, message: channel.emit("send-string", message or ""))
        channel.connect("on-message-data", lambda _, data: channel.emit("send-data", data))

    def push(self, source, interval, make):
        begun, number = time.monotonic(), 0
        pipeline = self.pipeline
        while self.running and self.pipeline is pipeline:
            buffer = Gst.Buffer.new_wrapped(make(number))
            buffer.duration = int(interval * Gst.SECOND)
            if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
            number += 1
            time.sleep(max(0, begun + number * interval - time.monotonic()))

    def push_pictures(self, source):
        self.push(source, 1 / self.clip.frame_rate, self.clip.picture)

    def push_sound(self, source):
        self.push(source, SAMPLES / 48000, lambda number: self.clip.samples(number * SAMPLES, SAMPLES))

    def on_pad(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        structure = pad.get_current_caps().get_structure(0)
        kind = structure.get_string("media")
        decoder = {
            "H264": "rtph264depay ! h264parse ! openh264dec",
            "VP8": "rtpvp8depay ! vp8dec",
            "OPUS": "rtpopusdepay ! opusdec",
            "PCMU": "rtppcmudepay ! mulawdec ! audioresample",
        }[structure.get_string("encoding-name")]
        chain = (
            f"{decoder} ! videoconvert ! video/x-raw,format=GRAY8"
            if kind == "video"
            else f"{decoder} ! audioconvert ! audio/x-raw,format=S16LE,channels=1,rate=48000"
        )
        sink = Gst.parse_bin_from_description(
            f"queue ! {chain} ! appsink name=out emit-signals=true sync=false drop=true max-buffers=100", True
        )
        out = sink.get_by_name("out")
        out.connect("new-sample", self.on_picture if kind == "video" else self.on_sound)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def on_picture(self, sink):
        self.frame = sink.emit("pull-sample")
        return Gst.FlowReturn.OK

    def on_sound(self, sink):
        buffer = sink.emit("pull-sample").get_buffer()
        self.sound_heard = (self.sound_heard + buffer.extract_dup(0, buffer.get_size()))[-48000:]
        return Gst.FlowReturn.OK

    def ask(self, action, *args):
        promise = Gst.Promise.new()
        self.peer.emit(action, *args, promise)
        promise.wait()
        reply = promise.get_reply()
        if reply is not None and reply.has_field("error"):
            raise RuntimeError(f"{action}: {reply.get_value('error').message}")
        return reply

    def set(self, action, kind, sdp):
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        self.ask(action, GstWebRTC.WebRTCSessionDescription.new(kind, message))

    def make(self, what):
        """An offer or an answer, set."""
        # The reply owns the description: it must outlive its use.
        reply = self.ask(f"create-{what}", None)
        description = reply.get_value(what)
        sdp = description.sdp.as_text()
        self.ask("set-local-description", description)
        return {"sdp": sdp}

    def offer(self, _):
        self.open(None)
        # webrtcbin offers a section without codecs for a pad that has no caps yet.
        pads = [self.peer.get_static_pad(name) for name in ("sink_0", "sink_1")]
        while not all(pad.get_current_caps() for pad in pads):
            time.sleep(0.01)
        return self.make("offer")

    def answer(self, request):
        self.open(request["sdp"])
        self.set("set-remote-description", GstWebRTC.WebRTCSDPType.OFFER, request["sdp"])
        return self.make("answer")

    def accept(self, request):
        self.set("set-remote-description", GstWebRTC.WebRTCSDPType.ANSWER, request["sdp"])
        return {}

    def candidate(self, request):
        init = request["candidate"]
        self.peer.emit("add-ice-candidate", init.get("sdpMLineIndex") or 0, init["candidate"])
        return {}

    def picture(self, _):
        if self.frame is None:
            return {}
        structure = self.frame.get_caps().get_structure(0)
        width, height = structure.get_value("width"), structure.get_value("height")
        buffer = self.frame.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        stride = len(data) // height
        return {
            "width": width,
            "height": height,
            "luma": text(b"".join(data[row * stride : row * stride + width] for row in range(height))),
        }

    def sound(self, _):
        return {"rate": 48000, "channels": 1, "pcm": text(self.sound_heard)}

    def state(self, _):
        if self.pipeline is None:
            return {"state": "none"}
        states = [self.peer.get_property("connection-state").value_nick]
        transceiver = self.peer.emit("get-transceiver", 0)
        transport = transceiver.get_property("sender").get_property("transport") if transceiver else None
        if transport is not None:
            states.append(f"DTLS {transport.get_property('state').value_nick}")
        return {"state": ", ".join(states)}

    def close(self, _):
        self.running = False
        if self.pipeline is not None:
            self.pipeline.set_state(Gst.State.NULL)
            self.pipeline = None
        return {}


def main():
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            write({"id": request["id"], "result": getattr(peer, request["do"])(request)})
        except Exception as error:  # noqa: BLE001: whatever it is, the runner wants to hear of it
            write({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
    peer.close(None)


main()
