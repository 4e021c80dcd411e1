"""vsftpd in a box, and three clients that ask for their data connections in different words."""

import contextlib
import tempfile

import harness
import services

# One process that serves anonymous uploads and downloads. It refuses data connections to and from third parties,
# so a wrong address in a command fails the transfer.
VSFTPD = """
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
no_anon_password=YES
anon_root={directory}/site
anon_upload_enable=YES
anon_world_readable_only=NO
write_enable=YES
anon_umask=022
local_enable=NO
connect_from_port_20=YES
use_localtime=NO
max_per_ip=0
secure_chroot_dir={directory}/empty
pam_service_name=vsftpd
seccomp_sandbox=NO
isolate_network=NO
"""


@contextlib.contextmanager
def server(box):
    """vsftpd on port 21; yields the directory that it serves, with `pub` for uploads in it."""
    with services.directory_with("vsftpd.conf", VSFTPD) as directory:
        for name in ("empty", "site", "site/pub"):
            (directory / name).mkdir()
        (directory / "site/pub").chmod(0o777)
        with harness.serve(box, "tcp", 21, "/usr/sbin/vsftpd", directory / "vsftpd.conf"):
            yield directory / "site"


def _url(host):
    return f"[{host}]" if ":" in host else host


def curl(box, host, words, remote, local, upload=False, timeout=60, check=True, rate=None):
    """words: the command that curl shall use for its data connections, `PORT`, `EPRT`, `PASV` or `EPSV`; rate: bytes
    a second at the most."""
    how = {"PORT": ["--ftp-port", "-", "--disable-eprt"], "EPRT": ["--ftp-port", "-"],
           "PASV": ["--disable-epsv", "--no-ftp-skip-pasv-ip"], "EPSV": []}[words]
    what = ["--upload-file", local] if upload else ["--output", local]
    slowly = ["--limit-rate", rate] if rate else []
    return harness.run(box, "curl", "-sS", "--verbose", *how, *what, *slowly, "--max-time", timeout,
                       f"ftp://{_url(host)}/{remote}", timeout=timeout + 5, check=check).stdout


def lftp(box, host, passive, *commands, timeout=60):
    """lftp's commands one after the other in one control connection; it stops at the first that fails."""
    settings = ["set net:max-retries 1", "set net:timeout 10", "set cmd:fail-exit true", "set cache:enable false",
                "set ftp:fix-pasv-address false", f"set ftp:passive-mode {'true' if passive else 'false'}",
                "set xfer:clobber true", f"open ftp://{_url(host)}"]
    return harness.run(box, "lftp", "-c", "; ".join([*settings, *commands]), timeout=timeout).stdout


def tnftp(box, host, passive, *commands, timeout=60):
    """tnftp's commands in one control connection, its words with the server among its output."""
    with tempfile.NamedTemporaryFile("w") as script:
        login = [f"open {host}", "user anonymous e2e@realm.foo", "prompt off", "binary"]
        script.write("\n".join([*login, *commands, "bye"]))
        script.flush()
        with open(script.name, encoding="ascii") as words:
            return harness.run(box, "tnftp", "-n", "-v", "-i", "-p" if passive else "-A", timeout=timeout,
                               stdin=words).stdout
