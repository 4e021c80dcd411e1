"""A GStreamer RTSP server: `python3 rtsp_server.py PORT SESSION_TIMEOUT`. It serves rtsp://<any address>:PORT/test,
moving pictures with a tone, and says on its output when a client comes, tears down, and goes."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

MEDIA = ("( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=160,height=120,framerate=25/1"
         " ! jpegenc ! rtpjpegpay name=pay0 pt=26"
         " audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0 )")


def main():
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("::")  # both families
    server.set_service(sys.argv[1])
    pool = server.get_session_pool()

    def connected(_, client):
        print("client", flush=True)
        client.connect("closed", lambda _: print("closed", flush=True))
        client.connect("teardown-request", lambda *_: print("teardown", flush=True))

    def new_session(client, session):
        session.set_timeout(int(sys.argv[2]))

    server.connect("client-connected", connected)
    server.connect("client-connected", lambda _, client: client.connect("new-session", new_session))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(MEDIA)
    server.get_mount_points().add_factory("/test", factory)
    server.attach(None)
    GLib.timeout_add_seconds(1, lambda: pool.cleanup() or True)
    GLib.MainLoop().run()


main()
