#!/usr/bin/python3
"""A GStreamer RTSP server for the tests: rtsp_server.py ADDRESS PORT serves moving pictures at /pictures."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address(sys.argv[1])
server.set_service(sys.argv[2])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch("( videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! jpegenc "
                   "! rtpjpegpay name=pay0 pt=26 )")
server.get_mount_points().add_factory("/pictures", factory)
server.attach(None)
GLib.MainLoop().run()
