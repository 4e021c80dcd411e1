"""The packages that scripts/package has built."""

import pathlib
import shutil
import subprocess
import tempfile

PACKAGES = pathlib.Path(__file__).resolve().parents[2] / "build/package"


def package(name):
    (found,) = PACKAGES.glob(f"{name}_*.deb")
    return found


def later_version(package):
    """The same package as a later version would be, in a directory of its own."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rgw-package-"))
    try:
        subprocess.run(["dpkg-deb", "--raw-extract", package, directory / "tree"], check=True)
        control = directory / "tree/DEBIAN/control"
        text = control.read_text()
        control.write_text(text.replace("\nVersion: ", "\nVersion: 9:"))
        made = directory / "later.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", directory / "tree", made], check=True,
                       stdout=subprocess.DEVNULL)
        return made
    finally:
        shutil.rmtree(directory / "tree")
