"""An RTSP server in a box, and two players that decode what comes."""

import pathlib
import re

import harness


def server(box, port=554, session_timeout=60):
    """with rtsp.server("ext1") as server: ...; server.said() counts clients and teardowns."""
    script = pathlib.Path(__file__).with_name("rtsp_server.py")
    return harness.serve(box, "tcp", port, "/usr/bin/python3", "-B", script, port, session_timeout)


def url(host, port=554):
    return f"rtsp://{f'[{host}]' if ':' in host else host}:{port}/test"


def ffmpeg(box, address, transport, seconds=2, timeout=20):
    """Plays with ffmpeg over `udp` or `tcp`; returns the numbers of frames decoded, (video, audio)."""
    said = harness.run(box, "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "verbose", "-rtsp_transport", transport,
                       "-i", address, "-t", seconds, "-f", "null", "-", timeout=timeout).stdout
    frames = re.findall(r"Input stream #\d+:\d+ \((video|audio)\): \d+ packets read .*?(\d+) frames decoded", said)
    counts = {kind: int(count) for kind, count in frames}
    return counts.get("video", 0), counts.get("audio", 0)


def gstreamer(box, address, transport, buffers=25, timeout=20):
    """Plays with GStreamer until so many pictures are decoded, fails if they do not come.

    Its exit status is not asked for: on its way out rtspsrc sends PAUSE in one thread while another already cancels that for
    the TEARDOWN, and on a busy machine it then calls its own cancelled message an error.
    """
    source = ["rtspsrc", f"location={address}", f"protocols={transport}", "latency=100"]
    said = harness.run(box, "gst-launch-1.0", "-e", *source, "!", "rtpjpegdepay", "!", "jpegdec", "!", "identity",
                       f"eos-after={buffers}", "!", "fakesink", "sync=false", timeout=timeout, check=False).stdout
    if "Got EOS from element" not in said:
        raise AssertionError(f"{address}: fewer than {buffers} pictures came:\n{said}")
