#!/usr/bin/python3
"""A camera for tests: serves MP4 clips over RTSP, in a loop and without encoding them again.

It needs GStreamer's RTSP server for Python:

    apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp \\
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \\
        gstreamer1.0-libav

Each clip is read into memory once and fed to its clients at its own pace with time stamps that never
go back. One URL a line is printed, then "ready". The server listens on the loopback address and runs
until it is killed. It is made for tests: it checks nothing and limits nothing.
"""

import argparse
import os
import threading
import time
from dataclasses import dataclass, field

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstApp, GstRtspServer  # noqa: E402,F401

UNLIMITED_QUEUE = "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0"

VIDEO_PARSERS = {
    "video/x-h264": "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au",
    "video/x-h265": "h265parse config-interval=-1 ! video/x-h265,stream-format=byte-stream,alignment=au",
}

VIDEO_PAYLOADERS = {
    "video/x-h264": "h264parse ! rtph264pay config-interval=-1",
    "video/x-h265": "h265parse ! rtph265pay config-interval=-1",
}

DECODE_AUDIO = "aacparse ! avdec_aac ! audioconvert ! audioresample"

# How a clip's AAC becomes each kind of sound, and how that is put into packets.
AUDIO_READERS = {
    "aac": "aacparse",
    "pcmu": f"{DECODE_AUDIO} ! audio/x-raw,rate=8000,channels=1 ! mulawenc",
    "pcma": f"{DECODE_AUDIO} ! audio/x-raw,rate=8000,channels=1 ! alawenc",
    "opus": f"{DECODE_AUDIO} ! audio/x-raw,rate=48000 ! opusenc ! opusparse",
}

AUDIO_PAYLOADERS = {
    "aac": "aacparse ! rtpmp4gpay",
    "pcmu": "rtppcmupay",
    "pcma": "rtppcmapay",
    "opus": "opusparse ! rtpopuspay",
}

# Names of GstRtsp.RTSPLowerTrans.
PROTOCOLS = {"any": None, "tcp": "TCP", "udp": "UDP"}


@dataclass
class Sample:
    """One access unit; times in nanoseconds."""

    dts: int
    pts: int
    duration: int
    data: GLib.Bytes
    delta: bool


@dataclass
class Track:
    """One track of a clip."""

    caps: Gst.Caps
    samples: list = field(default_factory=list)


@dataclass
class Clip:
    """A clip in memory; `audio` is missing when it has none or none is wanted."""

    video_type: str
    video: Track
    audio: Track | None
    start: int
    length: int

    def schedule(self, wanted):
        """What one loop sends, in order: the time of each access unit, when it is shown, its track and itself."""
        entries = []
        for name, track in (("video", self.video), ("audio", self.audio)):
            for sample in track.samples if track and name in wanted else []:
                offset = sample.dts - self.start
                if 0 <= offset < self.length:
                    entries.append((offset, sample.pts - self.start, name, sample))
        # Decode order: presentation times of B-frames go back.
        return sorted(entries, key=lambda entry: entry[0])


def arguments():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", default="0", help="0 takes a free one")
    parser.add_argument("--tls", metavar="PEM", help="serve rtsps with this certificate and key")
    parser.add_argument("--user", metavar="NAME:PASSWORD", help="ask for these credentials")
    parser.add_argument("--basic", action="store_true", help="ask with Basic instead of Digest")
    parser.add_argument("--transport", choices=sorted(PROTOCOLS), default="any")
    parser.add_argument("--noaudio", action="store_true", help="leave the sound out")
    parser.add_argument("--audio", choices=sorted(AUDIO_READERS), default="aac")
    parser.add_argument(
        "--sound-out", metavar="FILE", help="write what a loop sends as sound: nanoseconds and bytes"
    )
    parser.add_argument("--once", action="store_true", help="play a clip once instead of looping")
    parser.add_argument("--n", type=int, default=1, help="mount each clip so many times")
    parser.add_argument("clips", nargs="+", metavar="CLIP.mp4")
    return parser.parse_args()


def demuxed_video_type(path):
    """Tells what kind of video an MP4 file holds."""
    pipeline = Gst.parse_launch(f'filesrc location="{path}" ! qtdemux name=demux')
    found = []
    demux = pipeline.get_by_name("demux")
    demux.connect("pad-added", lambda _, pad: found.append(pad.get_current_caps()))
    pipeline.set_state(Gst.State.PAUSED)
    bus = pipeline.get_bus()
    # Without sinks the demuxer fails once all its pads are there: that is enough.
    bus.timed_pop_filtered(5 * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
    pipeline.set_state(Gst.State.NULL)
    for caps in found:
        name = caps.get_structure(0).get_name()
        if name in VIDEO_PARSERS:
            return name
    raise SystemExit(f"{path}: neither H.264 nor H.265")


def pull_samples(sink):
    """Takes everything out of an appsink."""
    track = None
    while (pulled := sink.emit("pull-sample")) is not None:
        track = track or Track(pulled.get_caps())
        buffer = pulled.get_buffer()
        mapped, memory = buffer.map(Gst.MapFlags.READ)
        if not mapped:
            continue
        dts = buffer.dts if buffer.dts != Gst.CLOCK_TIME_NONE else buffer.pts
        data = GLib.Bytes.new(bytes(memory.data))
        delta = buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        track.samples.append(Sample(dts, buffer.pts, buffer.duration, data, delta))
        buffer.unmap(memory)
    return track


def load(path, audio_kind):
    """Reads a clip into memory; `audio_kind` is nothing for a silent one."""
    video_type = demuxed_video_type(path)
    text = (
        f'filesrc location="{path}" ! qtdemux name=demux '
        f"demux.video_0 ! {UNLIMITED_QUEUE} ! {VIDEO_PARSERS[video_type]} "
        f"! appsink name=video sync=false "
    )
    if audio_kind:
        text += (
            f"demux.audio_0 ! {UNLIMITED_QUEUE} ! {AUDIO_READERS[audio_kind]} "
            f"! appsink name=audio sync=false"
        )
    pipeline = Gst.parse_launch(text)
    pipeline.set_state(Gst.State.PLAYING)
    video = pull_samples(pipeline.get_by_name("video"))
    audio = pull_samples(pipeline.get_by_name("audio")) if audio_kind else None
    pipeline.set_state(Gst.State.NULL)
    start = video.samples[0].dts
    frame = video.samples[1].dts - start
    length = video.samples[-1].dts - start + frame
    return Clip(video_type, video, audio, start, length)


class Feeder(threading.Thread):
    """Pushes a clip's access units into the sources of one media, at the clip's own pace."""

    def __init__(self, clip, sources, once):
        super().__init__(daemon=True)
        self.sources = sources
        self.once = once
        self.length = clip.length
        self.stopped = threading.Event()
        self.schedule = clip.schedule(sources)

    def stop(self, _media):
        """Ends the thread when the media has no client any more."""
        self.stopped.set()

    def run(self):
        began = time.monotonic_ns()
        loop = 0
        while not self.stopped.is_set():
            for offset, pts, name, sample in self.schedule:
                due = loop * self.length + offset
                wait = (began + due - time.monotonic_ns()) / 1e9
                if wait > 0 and self.stopped.wait(wait):
                    return
                if not self.push(name, sample, due, loop * self.length + pts):
                    return
            loop += 1
            if self.once:
                for source in self.sources.values():
                    source.emit("end-of-stream")
                return

    def push(self, name, sample, dts, pts):
        """Pushes one access unit; false when nobody wants it."""
        buffer = Gst.Buffer.new_wrapped_bytes(sample.data)
        buffer.dts, buffer.pts, buffer.duration = dts, pts, sample.duration
        if sample.delta:
            buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        return self.sources[name].emit("push-buffer", buffer) == Gst.FlowReturn.OK


class ClipFactory(GstRtspServer.RTSPMediaFactory):
    """Makes the media of one mount point."""

    def __init__(self, clip, audio_kind, once):
        super().__init__()
        self.clip = clip
        self.audio_kind = audio_kind
        self.once = once
        self.set_shared(True)
        self.connect("media-configure", self.configure)

    def do_create_element(self, _url):
        source = "appsrc is-live=true format=time max-bytes=8000000"
        text = f"{source} name=video ! {VIDEO_PAYLOADERS[self.clip.video_type]} name=pay0 pt=96 "
        if self.clip.audio:
            text += f"{source} name=audio ! {AUDIO_PAYLOADERS[self.audio_kind]} name=pay1 pt=97"
        return Gst.parse_launch(f"( {text} )")

    def configure(self, _factory, media):
        element = media.get_element()
        sources = {}
        for name, track in (("video", self.clip.video), ("audio", self.clip.audio)):
            if track:
                sources[name] = element.get_by_name(name)
                sources[name].set_property("caps", track.caps)
        feeder = Feeder(self.clip, sources, self.once)
        media.connect("unprepared", feeder.stop)
        feeder.start()


def authentication(options):
    """What clients must show; nothing when anybody may look."""
    if not (options.user or options.tls):
        return None
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    if options.tls:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(options.tls))
    if not options.user:
        token.set_string("media.factory.role", "anyone")
        auth.set_default_token(token)
        return auth
    token.set_string("media.factory.role", "user")
    user, password = options.user.split(":", 1)
    if options.basic:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        digest = 2  # GST_RTSP_AUTH_DIGEST
        auth.set_supported_methods(digest)
        auth.add_digest(user, password, token)
    return auth


def restrict(factory, options):
    """Sets who may see a mount point and how packets travel."""
    if options.user or options.tls:
        role = "user" if options.user else "anyone"
        access = "media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
        factory.add_role_from_structure(Gst.Structure.from_string(f"{role}, {access}")[0])
    if options.transport != "any":
        gi.require_version("GstRtsp", "1.0")
        from gi.repository import GstRtsp  # noqa: PLC0415

        factory.set_protocols(getattr(GstRtsp.RTSPLowerTrans, PROTOCOLS[options.transport]))


def write_sound(clip, path):
    """Writes a line for each access unit of sound in a loop: its time in nanoseconds, its bytes in hexadecimal."""
    with open(path, "w", encoding="ascii") as file:
        for offset, _pts, _name, sample in clip.schedule(["audio"]):
            file.write(f"{offset} {sample.data.get_data().hex()}\n")


def main():
    """Serves until it is killed."""
    options = arguments()
    Gst.init(None)
    audio_kind = None if options.noaudio else options.audio
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    auth = authentication(options)
    if auth:
        server.set_auth(auth)
    paths = []
    for path in options.clips:
        clip = load(path, audio_kind)
        if options.sound_out:
            write_sound(clip, options.sound_out)
        stem = os.path.splitext(os.path.basename(path))[0]
        for number in range(options.n):
            factory = ClipFactory(clip, audio_kind, options.once)
            restrict(factory, options)
            mount = f"/{stem}_{number}" if options.n > 1 else f"/{stem}"
            server.get_mount_points().add_factory(mount, factory)
            paths.append(mount)
    if server.attach(None) == 0:
        raise SystemExit(f"port {options.port} is taken")
    scheme = "rtsps" if options.tls else "rtsp"
    for mount in paths:
        print(f"{scheme}://127.0.0.1:{server.get_bound_port()}{mount}", flush=True)
    GLib.timeout_add_seconds(5, lambda: (server.get_session_pool().cleanup(), True)[1])
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
