#!/usr/bin/env python3
"""The web names of hosts (WEB-1): www.<host> is served by nginx on the service address, by the gateway's configuration.

  names: by Host and by SNI, of both families, from outside and inside; the hosts' own certificates and pages; HTTP/2
  what passes: keep-alive, WebSocket, large uploads, query strings, ACME's challenges, ClientHellos split and long
  the client's address: X-Forwarded-For, the PROXY protocol for hosts that want it and no other
  answers: unknown names, no name, hosts that are down, heads that are slow or endless
  changes: hosts added and removed, connections that go on meanwhile, a configuration that nginx refuses, a restart
"""

import contextlib
import hashlib
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import dns
import harness
import services
from harness import EXT1, EXT4, EXT6, GW, GW6, HOST4, HOST6, HOSTA, HOSTB, gateway, lab, wait_until

REALM = harness.realm(
    hosts={"hosta": {"addresses": [HOSTA, "fd00:10::42"], "www": True},
           "hostb": {"addresses": [HOSTB], "www": {"proxy_protocol": True}},
           "host4": {"addresses": [HOST4], "www": True},
           "host6": {"addresses": [HOST6], "www": True},
           "absent": {"addresses": ["10.0.0.99"], "www": True}, "plain": "10.0.0.98"},
    www={"proxy": "nginx"})
HEAD_PATIENCE, MOST = 10, 256  # seconds; connections of one address: of the configuration

# A host's web server: its pages, what it was asked, and what it is told of the client. PUT keeps a file.
BACKEND = """
daemon off;
master_process off;
pid {directory}/pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory};
  proxy_temp_path {directory};
  fastcgi_temp_path {directory};
  uwsgi_temp_path {directory};
  scgi_temp_path {directory};
  default_type text/plain;
  client_max_body_size 0;
  server {{
    listen 80;
    listen [::]:80 ipv6only=on;
    listen 443 ssl http2 {header};
    listen [::]:443 ssl http2 ipv6only=on {header};
    ssl_certificate {directory}/cert.pem;
    ssl_certificate_key {directory}/key.pem;
    root {directory}/pages;
    location = /accel {{
      add_header X-Accel-Redirect /asked;
      return 200 "as it is";
    }}
    location = /client {{ return 200 "$proxy_protocol_addr"; }}
    location /asked {{
      return 200 '{box}|$http_host|$request_uri|$http_x_forwarded_for|$http_forwarded|$http_x_forwarded_proto|$http_connection';
    }}
    location /kept/ {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


# WebSocket on both sides, by the library of Debian's own Python.
ECHO = """
import asyncio, websockets
async def echo(connection):
    async for message in connection:
        await connection.send(message)
async def serve():
    async with websockets.serve(echo, "0.0.0.0", 80):
        await asyncio.Event().wait()
asyncio.run(serve())
"""
CALLER = """
import asyncio, sys, websockets
async def call():
    async with websockets.connect(sys.argv[1]) as web:
        async def echoes(text):
            await web.send(text)
            assert await asyncio.wait_for(web.recv(), 5) == text
        await echoes("x")
        await echoes("x" * 70_000)
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await echoes("are you there?")
        print("still open", flush=True)
asyncio.run(call())
"""


@contextlib.contextmanager
def web_server(box, header=""):
    """nginx on a host, with a certificate of its own; the directory that it serves from."""
    with tempfile.TemporaryDirectory() as made:
        directory = pathlib.Path(made)
        directory.chmod(0o755)
        for name in ("pages", "pages/kept"):
            (directory / name).mkdir()
        # The worker's user is not root.
        (directory / "pages/kept").chmod(0o777)
        certificate(directory, f"www.{box}.foo")
        (directory / "nginx.conf").write_text(BACKEND.format(directory=directory, box=box, header=header))
        with harness.serve(box, "tcp", 443, "nginx", "-e", "stderr", "-c", directory / "nginx.conf"):
            yield directory


def certificate(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", directory / "key.pem", "-out", directory / "cert.pem"], check=True, capture_output=True)


def client_hello(name, protocols=("http/1.1",)):
    """The first bytes that a real client sends."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(protocols))
    sent = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return sent.read()


def closed_within(connection, seconds):
    """What comes until the other end closes, and how long that took."""
    begin, text = time.monotonic(), b""
    connection.settimeout(seconds)
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            text += part
    return text, time.monotonic() - begin


class Www(harness.LabCase):
    realm = REALM

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.servers = contextlib.ExitStack()
        cls.addClassCleanup(cls.servers.close)
        cls.pages = {box: cls.servers.enter_context(web_server(box, "proxy_protocol" if box == "hostb" else ""))
                     for box in ("hosta", "hostb", "host6")}
        cls.proxy = cls.servers.enter_context(services.WebProxy())
        cls.directory, cls.take = cls.proxy.directory, cls.proxy.take

    def apply(self):
        """The same, with the reload behind it."""
        done = self.take()
        self.assertEqual(done.returncode, 0, done.stdout)
        before = self.workers()
        os.kill(self.master(), signal.SIGHUP)
        # A former worker accepts nothing from then on, and ends with its last connection.
        wait_until(lambda: self.workers() - before and not self.workers() & before, "new workers are there, and no others")

    def master(self):
        return int((self.directory / "nginx.pid").read_text())

    def workers(self):
        """Those that accept connections."""
        children = pathlib.Path(f"/proc/{self.master()}/task/{self.master()}/children").read_text().split()
        return {child for child in children if "shutting down" not in self.title(child)}

    @staticmethod
    def title(process):
        try:
            return pathlib.Path(f"/proc/{process}/cmdline").read_text()
        except OSError:
            return "shutting down"

    def curl(self, box, url, *options, check=True):
        return harness.run(box, "curl", "-sS", "--max-time", "20", *options, url, check=check, timeout=40).stdout

    def status(self, box, url, *options):
        """The status of an answer, and the seconds until it was there."""
        said = self.curl(box, url, "-o", "/dev/null", "-w", "%{http_code} %{time_total}", *options, check=False)
        code, seconds = said.split("\n")[-1].split()
        return int(code), float(seconds)

    def tearDown(self):
        self.assertNotRegex(self.proxy.said(), r"\[(emerg|alert|crit)\]")
        super().tearDown()

    def test_a_web_name_has_the_service_addresses_and_an_ordinary_ttl(self):  # DNS-4
        for kind, address in (("A", GW), ("AAAA", GW6)):
            reply = dns.ask("www.hosta.foo", kind)
            self.assertEqual((reply.addresses, reply.ttls), ([address], [300]))
        self.assertEqual(gateway.reservations(), [])
        self.assertEqual(dns.ask("www.plain.foo").status, "NXDOMAIN")

    def test_http_goes_by_host_with_its_query_as_it_was(self):
        uri = "/asked/a%2Fb//c/%7Ed?x=1&y=%20z;&q=%25"
        for flag, address in (("-4", EXT1), ("-6", "2001:db8:203::10")):
            said = self.curl("ext1", f"http://www.hosta.foo{uri}", flag, "-H", "X-Forwarded-For: 192.0.2.66",
                             "-H", "Forwarded: for=192.0.2.66", "--path-as-is")
            self.assertEqual(said, f"hosta|www.hosta.foo|{uri}|{address}||http|close")
        self.assertTrue(self.curl("ext1", "http://WWW.HOSTA.FOO./asked").startswith("hosta|www.hosta.foo|/asked|"))

    def test_what_the_host_says_of_itself_comes_through_and_what_it_would_tell_nginx_does_nothing(self):
        said = self.curl("ext1", "http://www.hosta.foo/accel", "-i")
        self.assertRegex(said, r"(?m)^Server: nginx/[\d.]+$")  # with its version, which the proxy's own would not have
        self.assertTrue(said.endswith("\n\nas it is"), said)

    def test_no_upgrade_but_websocket_passes(self):  # or a client could speak past the proxy, and for others
        said = self.curl("ext1", "http://www.hosta.foo/asked", "-H", "Upgrade: h2c", "-H", "Connection: Upgrade, HTTP2-Settings",
                         "-H", "HTTP2-Settings: AAMAAABkAAQAAP__")
        self.assertEqual(said.split("|")[-1], "close")

    def test_https_goes_by_name_to_the_hosts_own_certificate_and_http2(self):
        for box in ("hosta", "host6"):
            said = self.curl("ext1", f"https://www.{box}.foo/asked?x=%2F&y", "--cacert", self.pages[box] / "cert.pem",
                             "-w", "|%{http_version}")
            self.assertEqual(said, f"{box}|www.{box}.foo|/asked?x=%2F&y|||||2")

    def test_hosts_and_clients_of_different_families_meet(self):
        """WEB-1: IPv6-only hosts from IPv4 clients and the reverse."""
        with web_server("host4") as pages:
            for client, address, box, page in (("ext4", EXT4, "host6", self.pages["host6"]), ("ext6", EXT6, "host4", pages)):
                said = self.curl(client, f"http://www.{box}.foo/asked")
                self.assertEqual(said.split("|")[:4], [box, f"www.{box}.foo", "/asked", address])
                self.assertTrue(self.curl(client, f"https://www.{box}.foo/asked", "--cacert", page / "cert.pem").startswith(box))

    def test_hosts_reach_each_others_web_names_from_inside(self):
        said = self.curl("hostb", "http://www.hosta.foo/asked", "-4")
        self.assertEqual(said.split("|")[:4], ["hosta", "www.hosta.foo", "/asked", HOSTB])

    def test_a_host_that_wants_the_proxy_protocol_learns_who_calls(self):
        for flag, address in (("-4", EXT1), ("-6", "2001:db8:203::10")):
            self.assertEqual(self.curl("ext1", "https://www.hostb.foo/client", flag, "--cacert",
                                       self.pages["hostb"] / "cert.pem"), address)

    def test_acmes_http_challenge_reaches_the_host(self):
        pages = self.pages["hosta"] / "pages/.well-known/acme-challenge"
        pages.mkdir(parents=True)
        (pages / "token_1-2").write_text("token_1-2.thumbprint")
        self.assertEqual(self.curl("ext1", "http://www.hosta.foo/.well-known/acme-challenge/token_1-2"), "token_1-2.thumbprint")

    def test_acmes_tls_challenge_reaches_the_host(self):  # RFC 8737: by the name, with the protocol acme-tls/1
        with tempfile.TemporaryDirectory() as made:
            directory = pathlib.Path(made)
            certificate(directory, "www.host4.foo")
            with harness.serve("host4", "tcp", 443, "openssl", "s_server", "-accept", "443", "-alpn", "acme-tls/1", "-www",
                               "-cert", directory / "cert.pem", "-key", directory / "key.pem"):
                said = harness.run("ext1", "openssl", "s_client", "-connect", f"{GW}:443", "-servername", "www.host4.foo",
                                   "-alpn", "acme-tls/1", stdin=subprocess.DEVNULL).stdout
        self.assertIn("ALPN protocol: acme-tls/1", said)
        own = ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN.*?END CERTIFICATE-----\n", said, re.S)[0])
        self.assertIn(b"www.host4.foo", own)

    def test_a_connection_carries_several_requests(self):
        url = "http://www.hosta.foo/asked"
        said = self.curl("ext1", url, url, "-4", "-w", "|%{num_connects}\n")
        self.assertEqual(re.findall(r"\|(\d)\n", said), ["1", "0"])

    def test_a_large_upload_passes_whole(self):
        data = os.urandom(1 << 20) * 24
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            for scheme, name in (("http", "one"), ("https", "two")):
                self.curl("ext1", f"{scheme}://www.hosta.foo/kept/{name}", "-T", file.name, "-f", "-4",
                          "--cacert", self.pages["hosta"] / "cert.pem")
                kept = (self.pages["hosta"] / "pages/kept" / name).read_bytes()
                self.assertEqual(hashlib.sha256(kept).digest(), hashlib.sha256(data).digest())

    def test_a_websocket_passes_and_outlives_a_reload(self):
        with harness.serve("host4", "tcp", 80, "/usr/bin/python3", "-c", ECHO), \
                subprocess.Popen(["ip", "netns", "exec", lab.box("ext1"), "/usr/bin/python3", "-c", CALLER, "ws://www.host4.foo/chat"],
                                 text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller:
            self.assertEqual(caller.stdout.readline(), "open\n")
            self.apply()
            self.assertEqual(caller.communicate("\n", 10)[0], "still open\n")

    def test_a_client_hello_may_come_byte_by_byte_and_be_long(self):
        long = client_hello("www.hosta.foo", [f"{n:03}" + "x" * 200 for n in range(30)] + ["http/1.1"])
        self.assertGreater(len(long), 4096)
        for hello, pause in ((client_hello("www.hosta.foo"), 0.002), (long, 0.0001)):
            with harness.tcp_client("ext1", (GW, 443)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for n in range(len(hello)):
                    connection.send(hello[n:n + 1])
                    time.sleep(pause)
                self.assertEqual(connection.recv(3)[:1], b"\x16")  # the host's ServerHello

    def test_an_unknown_name_gets_an_answer_of_its_own(self):
        for host in ("www.nobody.foo", "hosta.foo", "www.plain.foo", "198.51.100.1", "www.hosta.foo.example"):
            said = self.curl("ext1", f"http://{GW}/", "-H", f"Host: {host}", "-w", "|%{http_code}")
            self.assertEqual(said, "No host of this realm has this web name.\n|421", host)
        for names in (["-servername", "www.nobody.foo"], ["-noservername"]):
            said = harness.run("ext1", "openssl", "s_client", "-connect", f"{GW}:443", *names, stdin=subprocess.DEVNULL,
                               check=False).stdout
            self.assertIn("unrecognized name", said)

    def test_what_is_no_sound_request_has_an_answer_too(self):
        for request, status in ((b"GET / HTTP/1.0\r\n\r\n", b"421"), (b"GET / HTTP/1.1\r\n\r\n", b"400"),
                                (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", b"400"), (b"\x00\x01\x02\r\n\r\n", b"400"),
                                (b"GET / HTTP/1.1\r\nHost: www.hosta.foo\r\nHost: www.host6.foo\r\n\r\n", b"400"),
                                (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
                                (b"GET / HTTP/1.1\r\nHost: www.hosta.foo\r\n" + b"X: aaaaaaaa\r\n" * 8_000, b"400")):
            with harness.tcp_client("ext1", (GW, 80)) as connection:
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    connection.sendall(request)
                    if status == b"421":
                        connection.shutdown(socket.SHUT_WR)
                self.assertEqual(closed_within(connection, 5)[0].split(b" ")[1], status, request[:60])
        with harness.tcp_client("ext1", (GW, 443)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: www.hosta.foo\r\n\r\n")
            self.assertIn(b" 400 ", closed_within(connection, 5)[0])

    def test_a_slow_head_is_cut_off(self):
        """WEB-1; both at once, for they take the time."""
        cut = {}

        def drip(port, head):
            with harness.tcp_client("ext1", (GW, port)) as connection:
                begin = time.monotonic()
                connection.settimeout(0.5)
                for n in range(1000):
                    try:
                        connection.send(head[n % len(head):][:1])
                        if connection.recv(1) == b"":
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                cut[port] = time.monotonic() - begin

        hello = client_hello("www.hosta.foo")
        drips = [threading.Thread(target=drip, args=one) for one in ((80, b"GET / HTTP/1.1\r\nX: " + b"a" * 100), (443, hello))]
        for one in drips:
            one.start()
        for one in drips:
            one.join(HEAD_PATIENCE + 10)
        for port in (80, 443):
            self.assertGreater(cut[port], HEAD_PATIENCE - 2)
            self.assertLess(cut[port], HEAD_PATIENCE + 3)

    def test_one_address_has_so_many_connections_and_no_more(self):
        request = b"PUT /kept/never HTTP/1.1\r\nHost: www.hosta.foo\r\nContent-Length: 5\r\n\r\n"
        with contextlib.ExitStack() as held:
            for _ in range(MOST):
                connection = held.enter_context(harness.tcp_client("ext1", (GW, 80)))
                connection.sendall(request)
            url = f"http://{GW}/asked"
            wait_until(lambda: self.status("ext1", url, "-H", "Host: www.hosta.foo")[0] == 503, "no more requests are taken")
            self.assertEqual(self.status("ext2", url, "-H", "Host: www.hosta.foo")[0], 200)
        wait_until(lambda: self.status("ext1", url, "-H", "Host: www.hosta.foo")[0] == 200, "they are taken again")
        with contextlib.ExitStack() as held:
            for _ in range(MOST):
                held.enter_context(harness.tcp_client("ext1", (GW, 443)))
            with harness.tcp_client("ext1", (GW, 443)) as one_more:
                self.assertEqual(closed_within(one_more, 3)[0], b"")

    def test_a_host_that_is_down_gives_502_within_seconds(self):
        code, seconds = self.status("ext1", "http://www.host4.foo/", "-4")  # it refuses
        self.assertEqual(code, 502)
        self.assertLess(seconds, 2)
        code, seconds = self.status("ext1", "http://www.absent.foo/", "-4")  # it is silent
        self.assertIn(code, (502, 504))
        self.assertLess(seconds, 7)
        for name in ("www.host4.foo", "www.absent.foo"):
            with harness.tcp_client("ext1", (GW, 443)) as connection:
                connection.sendall(client_hello(name))
                said, seconds = closed_within(connection, 10)
            self.assertEqual(said, b"")
            self.assertLess(seconds, 7)

    def test_hosts_that_are_added_and_removed_are_served_so(self):
        flag = lab.STATE / "www.changed"
        flag.unlink(missing_ok=True)
        gateway.tell("host", "add", "quiet", "10.0.0.97")  # without a web name it changes nothing
        self.assertFalse(flag.exists())
        url = "http://www.added.foo/asked"
        self.assertEqual(self.status("ext1", f"http://{GW}/asked", "-H", "Host: www.added.foo")[0], 421)
        gateway.write({**REALM, "hosts": {name: host for name, host in REALM["hosts"].items() if name != "hosta"}})
        self.assertEqual(gateway.reload().returncode, 0)
        done = gateway.tell("host", "add", "added", HOSTA, "--www")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(flag.exists())
        self.apply()
        self.assertTrue(self.curl("ext1", url).startswith("hosta|www.added.foo|"))
        self.assertEqual(self.status("ext1", f"http://{GW}/asked", "-H", "Host: www.hosta.foo")[0], 421)
        for name in ("added", "quiet"):
            self.assertEqual(gateway.tell("host", "remove", name).returncode, 0)
        gateway.write(REALM)
        self.assertEqual(gateway.reload().returncode, 0)
        self.apply()
        self.assertEqual(self.status("ext1", f"http://{GW}/asked", "-H", "Host: www.added.foo")[0], 421)
        self.assertTrue(self.curl("ext1", "http://www.hosta.foo/asked").startswith("hosta|"))

    def test_a_configuration_that_nginx_refuses_leaves_the_former_one(self):
        before = (self.directory / "nginx.conf").read_text()
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(before.replace("ssl_preread on;", "ssl_preread maybe;"))
            file.flush()
            done = self.take(file.name)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ssl_preread", done.stdout)
        self.assertIn("the former configuration stays in force", done.stdout)
        self.assertEqual((self.directory / "nginx.conf").read_text(), before)
        self.assertIn("www: { proxy: nginx }", self.take("/nonexistent").stdout)

    def test_the_configuration_can_be_read(self):
        said = gateway.tell("www", "config")
        self.assertEqual((said.returncode, said.stdout), (0, (lab.STATE / "www.conf").read_text()))
        self.assertEqual(gateway.ctl("www config")["file"], str(lab.STATE / "www.conf"))

    def test_the_proxy_serves_on_after_a_restart_of_the_gateway(self):
        gateway.stop()
        gateway.start(REALM)
        self.assertTrue(wait_until(lambda: self.curl("ext1", "http://www.hosta.foo/asked", "-4", check=False).startswith("hosta|"),
                                   "it serves again", 15))


class WithoutAProxy(harness.LabCase):
    realm = harness.realm()

    def setUp(self):
        super().setUp()
        gateway.write(self.realm)
        self.assertEqual(gateway.reload().returncode, 0)
        (lab.STATE / "www.conf").unlink(missing_ok=True)

    def test_a_realm_without_a_proxy_makes_no_file_and_one_that_loses_it_serves_nothing(self):
        file = lab.STATE / "www.conf"
        self.assertFalse(file.exists())
        self.assertIn("www: { proxy: nginx }", gateway.tell("www", "config").stdout)
        gateway.write(REALM)
        self.assertEqual(gateway.reload().returncode, 0)
        self.assertIn("www.hosta.foo", file.read_text())
        gateway.write(self.realm)
        self.assertEqual(gateway.reload().returncode, 0)
        self.assertNotIn("listen", file.read_text())

    def test_a_file_that_cannot_be_written_is_told_and_written_later(self):
        place = lab.STATE / "elsewhere"
        gateway.write({**REALM, "www": {"proxy": "nginx", "directory": str(place)}})
        self.assertIn(f"warning: www: {place}", gateway.reload().stdout)
        wait_until(lambda: "RGW-0073" in gateway.log(), "it is in the log")
        place.mkdir()
        wait_until((place / "www.conf").exists, "it is written")


if __name__ == "__main__":
    harness.main()
