"""A machine for tests of the service and of the packages: systemd as PID 1 of namespaces of its own, on an overlay over
this machine's root. It boots in a second. Whatever is installed or written in it is gone when it ends.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

INIT = pathlib.Path(__file__).resolve().parent / "init"
NAMESPACES = ["--mount", "--net", "--ipc", "--uts", "--pid"]
SKIPPED = 77


def wait_until(condition, what, deadline=10.0):
    """Polls until the condition holds, and returns its value."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"within {deadline} s: {what}")
        time.sleep(0.02)
    return value


class Machine:
    """with Machine() as machine: machine.run("systemctl", "start", "realmgw")"""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="rgw-machine-")
        self.cgroup = pathlib.Path(self.directory).name
        self.outer = subprocess.Popen(["unshare", *NAMESPACES, "--fork", "--kill-child", INIT, self.directory, self.cgroup],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.pid = wait_until(self._child, "PID 1 is there")
            wait_until(self._booted, "systemd has booted", 30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _child(self):
        if self.outer.poll() is not None:
            raise OSError(f"no machine: {self.outer.stdout.read()}")
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def _booted(self):
        if self.outer.poll() is not None:
            raise OSError(f"no machine: {self.outer.stdout.read()}")
        comm = pathlib.Path(f"/proc/{self.pid}/comm").read_text().strip()
        return comm == "systemd" and self.run("systemctl", "is-system-running", check=False).stdout.strip() == "running"

    def __exit__(self, *_):
        if self.outer.poll() is None:
            if child := self._child():
                os.kill(child, signal.SIGKILL)  # PID 1: all that is in the machine ends with it
            else:
                self.outer.kill()
        self.outer.wait()
        self.outer.stdout.close()
        sweep = 'mount -t cgroup2 cgroup2 "$0" && find "$0/$1" -depth -type d -exec rmdir {} +'
        for _ in range(50):
            if subprocess.run(["unshare", "--mount", "sh", "-c", f'[ ! -e "$0/$1" ] && {sweep}', self.directory, self.cgroup],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.02)
        shutil.rmtree(self.directory)

    def command(self, *command):
        """A command in the machine, as one to run outside."""
        return ["nsenter", "--target", str(self.pid), *NAMESPACES, "--", *map(str, command)]

    def run(self, *command, check=True, timeout=60, **options):
        done = subprocess.run(self.command(*command), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
        return done

    def path(self, path):
        """A file of the machine, for this side."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")

    def write(self, path, text):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)

    def pids(self, name):
        """The processes of that name in the machine, by their numbers on this side."""
        found = []
        here = os.readlink(f"/proc/{self.pid}/ns/pid")
        for process in pathlib.Path("/proc").iterdir():
            try:
                if process.name.isdigit() and (process / "comm").read_text().strip() == name and \
                        os.readlink(process / "ns/pid") == here:
                    found.append(int(process.name))
            except OSError:
                pass  # it has ended
        return found

    def put(self, *files):
        """Copies files into the machine; their paths there."""
        for file in files:
            shutil.copy(file, self.path("/tmp"))
        return [f"/tmp/{pathlib.Path(file).name}" for file in files]

    def install(self, *packages):
        return self.run("dpkg", "--install", *self.put(*packages)).stdout

    def show(self, what, unit="realmgw"):
        return self.run("systemctl", "show", "--property", what, "--value", unit).stdout.strip()


def skip_where_there_can_be_no_machine():
    """Ends with ctest's status for a skipped test, and the reason."""
    reason = None
    if os.geteuid() != 0:
        reason = "root is needed"
    elif not pathlib.Path("/lib/systemd/systemd").exists():
        reason = "systemd is not installed"
    else:
        try:
            with Machine():
                pass
        except (OSError, AssertionError, subprocess.SubprocessError) as error:
            reason = f"systemd cannot run in namespaces here: {error}"
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
