"""A box that is a Debian: systemd as PID 1, and all that our package asks for or recommends, but not the package itself,
which lies in /root. Made by mmdebstrap of what this machine's apt is configured for; the second time it is there."""

import hashlib
import pathlib
import re
import shutil

import image
from image import output
from machine import System

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "/root/realmgw.deb"
BASE = ["systemd", "systemd-sysv", "udev", "kmod", "iproute2", "procps"]
# What a test has no use for, and what would compete with it for a slow CPU.
MASKED = ["getty@tty1.service", "serial-getty@ttyS0.service", "systemd-timesyncd.service", "e2scrub_reap.service",
          *(f"{name}.timer" for name in ("apt-daily", "apt-daily-upgrade", "dpkg-db-backup", "e2scrub_all", "fstrim"))]
FILES = {
    "etc/hostname": "box\n",
    "etc/hosts": "127.0.0.1 localhost box\n",
    "etc/fstab": "",
    "etc/systemd/system/agent.service":
        "[Unit]\nDescription=does what the test says\n[Service]\nExecStart=/usr/local/sbin/agent\n"
        "[Install]\nWantedBy=multi-user.target\n",
}


def wanted_by(package):
    """The names of the packages that `apt install` of this one would bring along; of alternatives the first."""
    fields = output("dpkg-deb", "--showformat", "${Depends}, ${Recommends}", "--show", package).decode()
    return [re.match(r"[\w.+-]+", one.strip())[0] for one in fields.split(",") if one.strip()]


def sources():
    """The files in which this machine's apt finds its sources."""
    apt = pathlib.Path("/etc/apt")
    found = [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list")),
             *sorted(apt.glob("sources.list.d/*.sources"))]
    return [file for file in found if file.exists() and file.stat().st_size]


def make_tree(root, packages, kernel_directory):
    keep = ("path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*",
            "path-include=/usr/share/doc/realmgw/*", "force-unsafe-io")
    suite = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(), re.M)[1]
    proxies = [line for line in output("apt-config", "dump", "Acquire").decode().splitlines() if "::Proxy " in line]
    output("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join([*BASE, *packages])}",
           "--aptopt=APT::Install-Recommends false", *[f"--aptopt={line}" for line in proxies],
           *[f"--dpkgopt={line}" for line in keep], suite, root, *sources())
    shutil.copytree(kernel_directory / "lib/modules", root / "usr/lib/modules", symlinks=True)
    for file, text in FILES.items():
        (root / file).write_text(text)
    shutil.copy(HERE / "agent", root / "usr/local/sbin/agent")
    output("systemctl", f"--root={root}", "--quiet", "enable", "agent.service")
    output("systemctl", f"--root={root}", "--quiet", "mask", *MASKED)


def base(directory, package, kernel_directory):
    """The image of a disk for this package, without it; made where there is none of the same recipe."""
    directory.mkdir(parents=True, exist_ok=True)
    packages = wanted_by(package)
    recipe = hashlib.sha256()
    for part in (pathlib.Path(__file__).read_bytes(), (HERE / "agent").read_bytes(), ",".join(packages).encode(),
                 image.kernel_file(kernel_directory).name.encode()):
        recipe.update(part)
    made = directory / f"base-{recipe.hexdigest()[:16]}.img"
    if made.exists():
        return made
    for old in directory.glob("base-*.img"):
        old.unlink()
    root, unfinished = directory / "tree", directory / "unfinished.img"
    shutil.rmtree(root, ignore_errors=True)
    make_tree(root, packages, kernel_directory)
    unfinished.unlink(missing_ok=True)
    output("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=1", "-d", root, unfinished, "1G")
    shutil.rmtree(root)
    return unfinished.rename(made)


def build(directory, package, kernel_directory):
    """Makes the box in a directory, with a fresh disk."""
    disk = directory / "disk.img"
    output("cp", "--sparse=always", base(directory, package, kernel_directory), disk)
    output("debugfs", "-w", "-R", f"write {package} {PACKAGE}", disk)
    # The kernel has NVMe and ext4 built in: there is no initial file system.
    return System(image.kernel_file(kernel_directory), "root=/dev/nvme0n1 rw systemd.show_status=0",
                  ["-drive", f"if=none,id=disk,format=raw,cache=unsafe,file={disk}", "-device", "nvme,serial=disk,drive=disk",
                   "-device", "virtio-rng-pci"])
