"""The second seed's network in the lab: its two hosts and its router, by its addresses."""

import harness
from harness import run

V4, V6 = "10.0.0.42", "2001:db8:42::42"  # the two hosts
ROUTER_V4, ROUTER_V6 = "10.0.0.77", "2001:db8:42::77"  # the gateway
PORT = 2345


def realm(**siit):
    return {**harness.realm(
        ports={"inside": {"device": "net_af_xdp_in,iface=gw-in", "addresses": f"{ROUTER_V6}/64"},
               "outside": {"device": "net_af_xdp_out,iface=gw-out", "addresses": f"{ROUTER_V4}/24"}},
        routes=[], pool={"addresses": []}, siit=siit), "hosts": {}}


def place(box, own, route=None):
    """A box has this address alone, and at most one route: (prefix, "via", router)."""
    run(box, "ip", "address", "flush", "dev", "eth0", "scope", "global")
    run(box, "ip", "-6", "route", "flush", "default")
    harness.lab.address(box, "eth0", [own])
    if route:
        run(box, "ip", "route", "replace", *route)
