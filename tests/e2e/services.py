"""Real daemons in the boxes, each with a throw-away configuration and gone after its `with`."""

import contextlib
import os
import pathlib
import select
import subprocess
import tempfile
import time

import harness

SSHD = """
HostKey {directory}/host
AuthorizedKeysFile {directory}/client.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
UseDNS no
"""

NGINX = """
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
  server {{
    listen 80;
    listen [::]:80;
    root {directory};
    location = /who {{
      return 200 $remote_addr;
    }}
  }}
}}
"""


@contextlib.contextmanager
def directory_with(name, text):
    with tempfile.TemporaryDirectory() as made:
        directory = pathlib.Path(made)
        directory.chmod(0o755)
        (directory / name).write_text(text.format(directory=directory))
        yield directory


class Ssh:
    """with Ssh("ext1") as ssh: ssh.run("hosta", "203.0.113.10", "echo $SSH_CONNECTION")"""

    def __init__(self, box, port=22):
        self.box, self.port, self.stack = box, port, contextlib.ExitStack()

    def __enter__(self):
        self.directory = self.stack.enter_context(directory_with("sshd_config", SSHD))
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on its empty home
        for key in ("host", "client"):
            harness.run(self.box, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.directory / key)
        self.stack.enter_context(harness.serve(self.box, "tcp", self.port, "/usr/sbin/sshd", "-D", "-e", "-p",
                                               self.port, "-f", self.directory / "sshd_config"))
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _client(self, address, command, port):
        return ["ssh", "-i", self.directory / "client", "-p", port or self.port, "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5",
                f"root@{address}", command]

    def run(self, client, address, command, port=None):
        """The output of a command that the server runs for a client in another box."""
        return harness.run(client, *self._client(address, command, port)).stdout

    def dialogue(self, client, address, command, port=None):
        """A command that the server runs until the `with` ends, to be spoken with line by line."""
        return Dialogue(client, *self._client(address, command, port))


class Dialogue:
    """with Dialogue(box, *command) as dialogue: dialogue.ask(b"a line") is the line that the command says to it."""

    def __init__(self, box, *command):
        self.process = subprocess.Popen(harness.in_box(box, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def ask(self, words, patience=10.0):
        self.say(words)
        return self.hear(patience)

    def say(self, words):
        self.process.stdin.write(words + b"\n")
        self.process.stdin.flush()

    def hear(self, patience=10.0):
        said, end = b"", time.monotonic() + patience
        while not said.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                raise AssertionError(f"within {patience} s: a line, beyond {said}")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise AssertionError(f"it ended instead of a line: {said}")
            said += more
        return said[:-1]

    def end(self):
        """No more input: the exit status."""
        self.process.stdin.close()
        return self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def web(box):
    """nginx in a box; yields the directory that it serves."""
    with directory_with("nginx.conf", NGINX) as directory:
        with harness.serve(box, "tcp", 80, "nginx", "-e", "stderr", "-c", directory / "nginx.conf"):
            yield directory


class WebProxy:
    """with WebProxy() as proxy: the nginx of the gateway's box serves the web names, as the service's units have it."""

    program = harness.ROOT / "packaging/www/www-config"

    def __init__(self):
        self.directory = harness.lab.STATE / "www"

    def take(self, file=None):
        """What the unit realmgw-www-config does: the CompletedProcess."""
        return subprocess.run(["ip", "netns", "exec", harness.lab.box("gw"), self.program,
                               file or harness.lab.STATE / "www.conf"], cwd=self.directory, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)

    def __enter__(self):
        self.directory.mkdir(exist_ok=True)
        self.directory.chmod(0o755)
        self.take()
        self.nginx = harness.serve("gw", "tcp", 443, "sh", "-c",
                                   f"cd {self.directory} && exec nginx -p . -c nginx.conf -e stderr -g 'daemon off;'")
        return self

    def said(self):
        return self.nginx.said()

    def __exit__(self, *error):
        return self.nginx.__exit__(*error)


@contextlib.contextmanager
def time_server(box):
    text = "local stratum 1\nallow all\ncmdport 0\nbindcmdaddress /\npidfile {directory}/pid\n"
    with directory_with("chrony.conf", text) as directory:
        with harness.serve(box, "udp", 123, "chronyd", "-d", "-x", "-u", "root", "-f", directory / "chrony.conf"):
            yield
