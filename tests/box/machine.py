"""The box: a machine of QEMU, in software, with pairs of emulated PCI cards behind an emulated Intel IOMMU.
Each card's cable ends in a TAP in a network namespace of its own, `<pair>-in` or `<pair>-out`; nothing leaves
these."""

import base64
import contextlib
import ctypes
import dataclasses
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import inside, lab  # noqa: E402

TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_MULTI_QUEUE = 0x400454CA, 0x2, 0x1000, 0x100
TUNSETQUEUE, IFF_ATTACH_QUEUE = 0x400454D9, 0x200

# Behind an IOMMU a virtio card must be a modern one that is told to use it. QEMU 7.2 forgets to go on
# receiving after its ring was full, where buffers are mergeable (fixed in 9.1): the port is deaf from then on.
VIRTIO = "virtio-net-pci,disable-legacy=on,iommu_platform=on,ats=on,mrg_rxbuf=off,rx_queue_size=1024"

HUGE_PAGES = 256  # of 2 MiB, where a test asks for them
# Without `tsc=reliable` the clock is the HPET, each look at which is an exit; the rest is dear in software, and
# of no use.
KERNEL_ARGUMENTS = ("console=ttyS0 quiet panic=-1 intel_iommu=on iommu=pt tsc=reliable no_timer_check"
                    " mitigations=off nokaslr audit=0 cryptomgr.notests random.trust_cpu=on")

# Seconds; a machine that does much besides takes several times as long as an idle one.
BOOT_PATIENCE, PATIENCE = 240, 60


@dataclasses.dataclass(frozen=True)
class System:
    """What the box boots: a kernel, more arguments for it, and options of QEMU that give it its files."""
    kernel: pathlib.Path
    arguments: str
    options: list


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two cards of a kind: what QEMU calls them, and how many queues each has."""
    name: str
    slot: int
    model: str
    queues: int = 1

    def device(self, side):
        """As the realm file names it."""
        return f"0000:00:{self.slot + (side == 'out'):02x}.0"

    def box(self, side):
        """The namespace at the other end of a card's cable; QEMU calls the card so, too."""
        return f"{self.name}-{side}"

    def options(self, side, descriptors):
        more = f",mq=on,rss=on,vectors={2 * self.queues + 2}" if self.queues > 1 else ""
        mac = f"52:54:00:{self.slot:02x}:00:{1 if side == 'in' else 2:02x}"
        fds = ("fds=" if self.queues > 1 else "fd=") + ":".join(map(str, descriptors))
        return ["-netdev", f"tap,id=net-{self.box(side)},{fds}", "-device",
                f"{self.model}{more},romfile=,id={self.box(side)},netdev=net-{self.box(side)},mac={mac}"
                f",addr=0x{self.slot + (side == 'out'):02x}"]


PAIRS = {pair.name: pair for pair in (
    Pair("virtio", 0x10, VIRTIO), Pair("virtio2", 0x12, VIRTIO, queues=2),
    Pair("e1000e", 0x14, "e1000e"), Pair("vmxnet3", 0x16, "vmxnet3"))}
SIDES = ("in", "out")


def tap(box, queues):
    """A TAP named eth0 in a box: the descriptors of its queues."""
    flags = IFF_TAP | IFF_NO_PI | (IFF_MULTI_QUEUE if queues > 1 else 0)
    made = []
    with inside(box):
        for _ in range(queues):
            made.append(os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
            fcntl.ioctl(made[-1], TUNSETIFF, struct.pack("16sH22x", b"eth0", flags))
    return made


def attach(queue):
    """Takes a queue into use again that QEMU has put aside, as it does with those that a driver has not asked for."""
    with contextlib.suppress(OSError):  # it is in use
        fcntl.ioctl(queue, TUNSETQUEUE, struct.pack("16sH22x", b"", IFF_ATTACH_QUEUE))


def stand_back():
    """A test that is killed leaves no machine behind, and one that runs leaves time for others."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    os.nice(10)


class Machine:
    """with Machine(directory, system, pairs) as machine: it has booted, with these pairs of cards."""

    def __init__(self, directory, system, pairs):
        self.console = directory / "console"
        self.system, self.pairs = system, pairs
        self.process = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._cable_up(stack)
            stack.callback(self._end)
            self._boot()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _cable_up(self, stack):
        self.cards, self.cables = [], []
        for pair in self.pairs:
            for side in SIDES:
                name = lab.box(pair.box(side))
                lab.run("ip", "netns", "delete", name, check=False)  # of a run that was killed
                lab.make_box(pair.box(side))
                stack.callback(lab.run, "ip", "netns", "delete", name)
                queues = tap(pair.box(side), pair.queues)
                for descriptor in queues:  # kept: a cable stays where it is while the box reboots
                    stack.callback(os.close, descriptor)
                self.cables += queues
                self.cards += pair.options(side, queues)

    def _boot(self):
        for queue in self.cables:
            attach(queue)
        (self.agent, agent), (self.monitor, monitor) = socket.socketpair(), socket.socketpair()
        with agent, monitor, open(self.console.with_name("qemu.log"), "wb") as complaints:
            self.process = subprocess.Popen(
                ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-erms,-fsrm",
                 "-smp", "2", "-m", "1536", "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot",
                 "-kernel", self.system.kernel, "-append", f"{KERNEL_ARGUMENTS} {self.system.arguments}",
                 *self.system.options,
                 "-device", "intel-iommu,intremap=on,device-iotlb=on", "-serial", f"file:{self.console}",
                 "-chardev", f"socket,id=agent,fd={agent.fileno()}", "-serial", "chardev:agent",
                 "-chardev", f"socket,id=monitor,fd={monitor.fileno()}", "-mon", "chardev=monitor,mode=control",
                 *self.cards],
                stdin=subprocess.DEVNULL, stdout=complaints, stderr=complaints,
                pass_fds=[*self.cables, agent.fileno(), monitor.fileno()], preexec_fn=stand_back)
        self.agent_lines, self.monitor_lines = self.agent.makefile("rb"), self.monitor.makefile("rb")
        self._line(self.agent, self.agent_lines, BOOT_PATIENCE)  # "up"
        self.ask("qmp_capabilities")

    def _end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            for one in (self.agent_lines, self.monitor_lines, self.agent, self.monitor):
                one.close()
            self.process = None

    def reboot(self, command):
        """Gives a command that reboots the box; returns when the new one's agent answers. QEMU is started anew: a
        second boot of one that runs in software takes minutes."""
        self._send(command)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{command}: the box does not end within {PATIENCE} s") from None
        self._end()
        self._boot()

    def _line(self, line, lines, patience):
        line.settimeout(patience)
        try:
            got = lines.readline()
        except TimeoutError:
            got = b""
        if not got:
            said = [file.read_text(errors="replace") for file in (self.console, self.console.with_name("qemu.log"))]
            raise AssertionError(f"no answer from the box: {'silence for' if self.process.poll() is None else 'it ended within'}"
                                 f" {patience} s; its console:\n{said[0][-3000:]}\nQEMU: {said[1][-1000:]}")
        return got

    def ask(self, command, **arguments):
        """A command for QEMU itself."""
        self.monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while "return" not in (said := json.loads(self._line(self.monitor, self.monitor_lines, PATIENCE))):
            if "error" in said:
                raise AssertionError(f"{command}: {said['error']}")

    def _send(self, command):
        self.agent.sendall(base64.b64encode(command.encode()) + b"\n")

    def run(self, command, check=True, patience=PATIENCE):
        """Runs a command in the box's shell: its exit status and its output."""
        self._send(command)
        status, _, output = self._line(self.agent, self.agent_lines, patience).decode().partition(" ")
        output = base64.b64decode(output).decode(errors="replace")
        if check and status != "0":
            raise AssertionError(f"in the box: {command}: exit {status}\n{output}")
        return int(status), output

    def read(self, file):
        return self.run(f"cat {file}")[1]

    def write(self, file, text):
        self.run(f"base64 -d >{file} <<END\n{base64.b64encode(text.encode()).decode()}\nEND")

    def cable(self, pair, side, plugged):
        self.ask("set_link", name=pair.box(side), up=plugged)
