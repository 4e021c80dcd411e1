"""What the box boots: Debian's kernel for virtual machines, and an initial file system with the gateway, the
libraries that it needs from this machine, the drivers of its cards, and busybox."""

import os
import pathlib
import re
import shutil
import subprocess

from machine import HUGE_PAGES, System

KERNEL = "linux-image-cloud-amd64"
MODULES = ["vfio-pci", "vfio_iommu_type1", "tun"]
LIBRARIES = pathlib.Path("/usr/lib/x86_64-linux-gnu")
DRIVERS = ["bus_pci", "bus_vdev", "mempool_ring", "net_virtio", "net_e1000", "net_vmxnet3", "net_null"]


class Missing(Exception):
    """This machine lacks something that the box is made of."""


def missing_tools(*more):
    """What this machine lacks of the programs and rights that each box needs, and of these."""
    if os.geteuid() != 0:
        return "root is needed: the cards' cables end in network namespaces"
    for program in ("qemu-system-x86_64", "depmod", "dpkg-deb", "apt-get", "dig", *more):
        if not shutil.which(program):
            return f"{program} is not here (scripts/bootstrap)"
    return None


def output(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    if done.returncode:
        raise Missing(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def kernel(directory):
    """The kernel's package, fetched once and unpacked, not installed: the directory of its boot/ and lib/."""
    unpacked = directory / "kernel"
    if unpacked.exists():
        return unpacked
    package = re.search(r"Depends: (linux-image\S+)", output("apt-cache", "depends", KERNEL).decode())
    if not package:
        raise Missing(f"apt knows no {KERNEL}: its package lists are empty (apt-get update)")
    fetched = directory / "fetched"
    shutil.rmtree(fetched, ignore_errors=True)
    fetched.mkdir(parents=True)
    output("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package[1], cwd=fetched)
    (archive,) = fetched.glob("*.deb")
    output("dpkg-deb", "-x", archive, fetched)
    archive.unlink()
    output("depmod", "-b", fetched, next((fetched / "lib/modules").iterdir()).name)
    fetched.rename(unpacked)
    return unpacked


def kernel_file(kernel_directory):
    (file,) = (kernel_directory / "boot").glob("vmlinuz-*")
    return file


def modules(kernel_directory):
    """The files of MODULES and of what they need, in the order in which they are to be loaded."""
    (home,) = (kernel_directory / "lib/modules").iterdir()
    needs = dict(line.split(":") for line in (home / "modules.dep").read_text().splitlines())
    order = []
    for name in MODULES:
        (file,) = [file for file in needs if pathlib.Path(file).stem == name]
        order += [one for one in [*reversed(needs[file].split()), file] if one not in order]
    return [home / one for one in order]


def libraries(*files):
    """The shared libraries of programs and of other libraries, and the loader, as ldd finds them here."""
    found = set()
    for file in files:
        found.update(re.findall(r"(/\S+) \(0x", output("ldd", file).decode()))
    return sorted(found)


def put(file, root, place):
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, root / place)


def put_drivers(root):
    """DPDK loads what it finds in a directory: links to the libraries, so that nothing is loaded twice."""
    (directory,) = LIBRARIES.glob("dpdk/pmds-*")
    (root / str(directory)[1:]).mkdir(parents=True)
    for name in DRIVERS:
        (file,) = LIBRARIES.glob(f"librte_{name}.so.??")
        put(file, root, str(file)[1:])
        link = file.with_suffix("").name  # it takes names that end in .so
        (root / str(directory)[1:] / link).symlink_to(f"../../{file.name}")
        yield file


def fill(root, kernel_directory, programs):
    """The initial file system, as a tree."""
    for directory in ("dev", "proc", "sys", "run", "tmp", "etc", "root"):
        (root / directory).mkdir(parents=True)
    (root / "var").mkdir()
    (root / "var/run").symlink_to("../run")
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / link).mkdir(parents=True)
        (root / link).symlink_to(f"usr/{link}")
    busybox = pathlib.Path(shutil.which("busybox") or "/bin/busybox")
    for script in ("init", "agent"):
        put(pathlib.Path(__file__).with_name(script), root, script)
    for program in (busybox, *programs):
        put(program, root, f"bin/{program.name}")
    for file in libraries(busybox, *programs, *put_drivers(root)):
        put(file, root, file[1:])
    order = modules(kernel_directory)
    for module in order:
        put(module, root, f"modules/{module.name}")
    (root / "modules/order").write_text("".join(f"{module.name}\n" for module in order))


def build(directory, programs):
    """Makes the box of these programs in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    kernel_directory = kernel(directory)
    root = directory / "root"
    shutil.rmtree(root, ignore_errors=True)
    fill(root, kernel_directory, programs)
    files = b"\n".join(bytes(file.relative_to(root)) for file in sorted(root.rglob("*")))
    (directory / "initrd").write_bytes(output("busybox", "cpio", "-o", "-H", "newc", input=files, cwd=root))
    return System(kernel_file(kernel_directory), f"hugepages={HUGE_PAGES}", ["-initrd", directory / "initrd"])
