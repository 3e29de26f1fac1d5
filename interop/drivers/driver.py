"""The line protocol of interop/process_peer.ts for drivers in Python: requests on standard input, replies on standard output."""

import base64
import json
import sys
import threading

_lock = threading.Lock()


def write(message):
    with _lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def tell_candidate(candidate, sdp_mid=None, sdp_m_line_index=None):
    write({"candidate": {"candidate": candidate, "sdpMid": sdp_mid, "sdpMLineIndex": sdp_m_line_index}})


def text(data):
    """Bytes as they go into a reply."""
    return base64.b64encode(bytes(data)).decode()


class Clip:
    """Pictures and sound to send, looped."""

    def __init__(self, media):
        self.width = media["width"]
        self.height = media["height"]
        self.frame_rate = media["frameRate"]
        size = self.width * self.height * 3 // 2
        with open(media["picturesPath"], "rb") as file:
            data = file.read()
        self.pictures = [data[at : at + size] for at in range(0, len(data), size)]
        with open(media["soundPath"], "rb") as file:
            self.sound = file.read()

    def picture(self, number):
        return self.pictures[number % len(self.pictures)]

    def samples(self, position, count):
        """`count` s16le samples from sample `position` on."""
        length = len(self.sound) // 2
        start = position % length
        piece = self.sound[start * 2 : (start + count) * 2]
        return piece if len(piece) == count * 2 else piece + self.sound[: count * 2 - len(piece)]
