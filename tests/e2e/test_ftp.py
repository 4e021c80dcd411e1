#!/usr/bin/env python3
"""FTP through the gateway (ALG-1, ALG-2, ALG-5) with vsftpd, curl, lftp and tnftp.

  a client inside, active and passive; a server inside, reached by its name, active and passive;
  IPv4, IPv6, and a host with IPv6 alone at an IPv4 server; a large file is the same on both sides;
  many data connections leave no pinhole; switched off, active mode fails
"""

import contextlib
import hashlib
import os
import pathlib
import tempfile

import dns
import harness
from harness import EXT1, Counting, gateway, run, wait_until

PREFIX = "fd00:64::/96"
EXT1_V6, EXT1_SYNTHESIZED = "2001:db8:203::10", "fd00:64::203.0.113.10"
HOSTS = {"hosta": [harness.HOSTA, "fd00:10::42"], "hostb": [harness.HOSTB, "fd00:10::43"]}
ADDRESSES = {"addresses": [harness.GW, "2001:db8:100::1"]}
REALM = harness.realm(alg={"ftp": True}, nat64={"prefix": PREFIX}, outbound=ADDRESSES, hosts=HOSTS)

VSFTPD = """
listen={v4}
listen_ipv6={v6}
background=NO
anonymous_enable=YES
anon_root={root}
anon_upload_enable=YES
anon_umask=022
write_enable=YES
no_anon_password=YES
connect_from_port_20=YES
seccomp_sandbox=NO
secure_chroot_dir={empty}
"""


@contextlib.contextmanager
def ftp_server(box, family=4):
    """vsftpd in a box; yields the directory that it serves."""
    with tempfile.TemporaryDirectory() as made:
        directory = pathlib.Path(made)
        directory.chmod(0o755)
        root, empty = directory / "root", directory / "empty"
        for part in (root, empty):
            part.mkdir(mode=0o755)
        (root / "upload").mkdir()
        (root / "upload").chmod(0o777)
        config = directory / "vsftpd.conf"
        config.write_text(VSFTPD.format(v4="YES" if family == 4 else "NO", v6="YES" if family == 6 else "NO",
                                        root=root, empty=empty))
        with harness.serve(box, "tcp", 21, "/usr/sbin/vsftpd", config):
            yield root


def url(address, path=""):
    host = f"[{address}]" if ":" in address else address
    return f"ftp://{host}/{path}"


def curl(box, *options):
    return run(box, "curl", "-sS", "--max-time", "20", *options).stdout


ACTIVE = ["--ftp-port", "-", "--disable-eprt"]
EXTENDED_ACTIVE = ["--ftp-port", "-"]
PASSIVE = ["--disable-epsv", "--no-ftp-skip-pasv-ip"]
EXTENDED_PASSIVE = ["--ftp-pasv"]


class Ftp(harness.LabCase):
    realm = REALM

    def left_as_found(self):
        super().left_as_found()
        wait_until(lambda: gateway.ctl("alg")["pinholes"] == 0 and gateway.ctl("alg")["ports"] == 0,
                   "every pinhole has ended", 10)

    def lists(self, box, address, modes):
        for mode in modes:
            with self.subTest(" ".join(mode)):
                self.assertIn("a file", curl(box, *mode, url(address, "file")))

    def test_a_client_inside_in_every_mode(self):
        with ftp_server("ext1") as root:
            (root / "file").write_text("a file")
            self.lists("hosta", EXT1, [ACTIVE, EXTENDED_ACTIVE, PASSIVE, EXTENDED_PASSIVE])

    def test_a_server_inside_in_every_mode(self):
        """POOL-1: each connection to it is a name asked for."""
        with ftp_server("hosta") as root:
            (root / "file").write_text("a file")
            for mode in (ACTIVE, EXTENDED_ACTIVE, PASSIVE, EXTENDED_PASSIVE):
                with self.subTest(" ".join(mode)):
                    address = dns.address("tcp21.hosta.foo")
                    self.assertIn("a file", curl("ext1", *mode, url(address, "file")))

    def test_ipv6_on_both_sides(self):
        with ftp_server("ext1", 6) as root:
            (root / "file").write_text("a file")
            self.lists("hosta", EXT1_V6, [EXTENDED_ACTIVE, EXTENDED_PASSIVE])

    def test_a_host_with_ipv6_at_an_ipv4_server(self):
        """RFC 6384"""
        with ftp_server("ext1") as root:
            (root / "file").write_text("a file")
            self.lists("hosta", EXT1_SYNTHESIZED, [EXTENDED_ACTIVE, EXTENDED_PASSIVE])

    def test_a_large_file_is_the_same_on_both_sides(self):
        with ftp_server("ext1") as root, tempfile.TemporaryDirectory() as here:
            content = os.urandom(1 << 20) * 100
            (root / "large").write_bytes(content)
            for mode in (ACTIVE, PASSIVE):
                with self.subTest(" ".join(mode)):
                    got = pathlib.Path(here) / "got"
                    run("hosta", "curl", "-sS", "--max-time", "120", *mode, "-o", got, url(EXT1, "large"), timeout=130)
                    self.assertEqual(hashlib.sha256(got.read_bytes()).digest(), hashlib.sha256(content).digest())

    def test_a_file_is_sent_to_a_server_inside(self):
        with ftp_server("hosta") as root, tempfile.TemporaryDirectory() as here:
            sent = pathlib.Path(here) / "sent"
            sent.write_bytes(os.urandom(1 << 20))
            curl("ext1", *PASSIVE, "-T", sent, url(dns.address("tcp21.hosta.foo"), "upload/got"))
            self.assertEqual((root / "upload/got").read_bytes(), sent.read_bytes())

    def test_lftp_lists_a_thousand_times(self):
        """Each listing is a data connection; a pinhole is let go with the next one."""
        with ftp_server("ext1") as root:
            (root / "file").write_text("a file")
            for passive in ("off", "on"):
                with self.subTest(passive=passive), Counting() as count:
                    script = f"set ftp:passive-mode {passive}; set net:max-retries 1; set cmd:fail-exit yes; " \
                             f"set cache:enable no; open {EXT1}; " + "ls; " * 500
                    said = run("hosta", "lftp", "-c", script, timeout=120).stdout
                    self.assertEqual(said.count(" file"), 500)
                    if passive == "off":
                        self.assertGreaterEqual(count["pinhole_used"], 500)

    def test_tnftp_fetches_a_file(self):
        with ftp_server("ext1") as root, tempfile.TemporaryDirectory() as here:
            (root / "file").write_text("a file")
            for active in ([], ["-A"]):
                got = pathlib.Path(here) / "got"
                run("hosta", "tnftp", *active, "-o", got, url(EXT1, "file"))
                self.assertEqual(got.read_text(), "a file")
                got.unlink()


class SwitchedOff(harness.LabCase):
    realm = harness.realm()

    def test_active_mode_fails_and_passive_mode_works(self):
        with ftp_server("ext1") as root:
            (root / "file").write_text("a file")
            failed = run("hosta", "curl", "-sS", "--max-time", "5", *ACTIVE, url(EXT1, "file"), check=False)
            self.assertNotEqual(failed.returncode, 0)
            self.assertIn("a file", curl("hosta", *PASSIVE, url(EXT1, "file")))


if __name__ == "__main__":
    harness.main()
