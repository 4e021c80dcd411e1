#!/usr/bin/env python3
"""A service on a gateway box (OPS-2, OPS-7): Debian with systemd as PID 1 in a virtual machine, our package installed by
dpkg, two emulated PCI cards with two queues each behind an IOMMU, and what the operator's guide says to do.

  before the start `--check --here` finds nothing; outbound and inbound by name; both workers get packets from the cards;
  who has the cards; huge pages; MAC addresses; a cable is pulled; the daemon is killed; a stop; a reboot

Root and QEMU are needed; nothing of the machine's own network is touched. Exit status 77: something is missing.
"""

import json
import os
import pathlib
import re
import sys
import unittest

os.environ.setdefault("RGW_LAB", "box")

import debian
import image
from machine import BOOT_PATIENCE, HUGE_PAGES, PAIRS, PATIENCE, SIDES, Machine
import harness
from gateway import Gateway, PORTS, Traffic
from harness import lab, wait_until

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "service"))
import packages

REALM_FILE = "/etc/realmgw/realm.yaml"
PAIR = PAIRS["virtio2"]
NOTHING_MISSING = "this machine: nothing is missing"

machine = None


def setUpModule():
    global machine
    directory = lab.BUILD / "box"
    system = debian.build(directory / "service", packages.package("realmgw"), image.kernel(directory))
    machine = unittest.enterModuleContext(Machine(directory / "service", system, [PAIR]))
    has_booted()


def has_booted():
    status, state = machine.run("systemctl is-system-running --wait; systemctl --failed", check=False,
                                patience=BOOT_PATIENCE)
    assert state.startswith("running\n"), state


class Unit(Gateway):
    """with Unit() as gateway: the package is installed, the cards are DPDK's, and the unit is enabled and runs."""

    def __init__(self):
        super().__init__(machine, PAIR, workers=2)

    def _start(self):
        # The operator's guide, word for word but for the names of cards and the number of huge pages.
        cards = [PAIR.device(side) for side in SIDES]
        machine.run(f"dpkg --install {debian.PACKAGE}", patience=BOOT_PATIENCE)
        machine.run("cp /usr/share/doc/realmgw/examples/sysctl-realmgw.conf /etc/sysctl.d/ &&"
                    f" sed -i 's/^vm.nr_hugepages.*/vm.nr_hugepages = {HUGE_PAGES}/' /etc/sysctl.d/sysctl-realmgw.conf &&"
                    " sysctl --system")
        machine.run(f"modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci {' '.join(cards)}")
        for card in cards:
            machine.run(f'echo "pci {card} vfio-pci" >>/etc/dpdk/interfaces')
        machine.run("echo vfio-pci >/etc/modules-load.d/realmgw.conf")
        machine.write(REALM_FILE, json.dumps(self.realm))
        self.said_beforehand = machine.run(f"realmgwd --check --here {REALM_FILE}", check=False)
        # On a busy machine DPDK has been seen to find an emulated card not ready; then the unit tries again by itself.
        machine.run("systemctl enable --now realmgw", check=False, patience=BOOT_PATIENCE)
        self.comes_up()

    def journal(self, options=""):
        """What the unit has said since the boot."""
        return machine.run(f"journalctl --unit realmgw --boot --quiet --output cat {options}")[1]

    def show(self, what):
        return machine.run(f"systemctl show --property {what} --value realmgw")[1].strip()

    def state(self):
        return self.show("ActiveState"), self.show("SubState")

    def comes_up(self):
        try:
            wait_until(lambda: self.state() == ("active", "running"), "the unit runs", BOOT_PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.journal()}") from None


class Service(Traffic, unittest.TestCase):
    """Each test finds the unit running, and leaves it so."""

    @classmethod
    def setUpClass(cls):
        cls.gateway = cls.enterClassContext(Unit())

    def shortDescription(self):
        return None  # the name is the sentence

    def traffic_passes(self):
        self.a_host_reaches_the_outside()
        self.a_host_is_reached_by_its_name()

    def test_check_here_finds_nothing_once_the_guide_is_followed(self):
        """OPS-1: as root before the start, and as the unit's own user at the start."""
        status, said = self.gateway.said_beforehand
        self.assertEqual((status, said.partition(": no mistake found")[2].strip()), (0, NOTHING_MISSING), said)
        self.assertIn(NOTHING_MISSING, self.gateway.journal())

    def test_traffic_passes_outbound_and_inbound_by_name(self):
        """POOL-1"""
        self.traffic_passes()

    def test_each_worker_has_a_queue_of_each_card_and_both_forward_what_comes_in(self):
        for port in PORTS.values():
            self.assertRegex(self.gateway.journal(), rf"RGW-0002 port {port} is .*2 queues")
        self.both_workers_forward_what_comes_in()

    def test_a_user_that_is_not_root_has_the_cards_and_huge_pages(self):
        pid = self.gateway.show("MainPID")
        self.assertEqual(machine.run(f"ps -o user= -p {pid}")[1].strip(), "realmgw")
        opened = machine.run(f"readlink /proc/{pid}/fd/*", check=False)[1].split()
        for side in SIDES:
            group = machine.run(f"basename $(readlink /sys/bus/pci/devices/{PAIR.device(side)}/iommu_group)")[1].strip()
            self.assertIn(f"/dev/vfio/{group}", opened)
        self.assertNotRegex(self.gateway.journal(), "RGW-0011|RGW-0017")
        free = int(machine.run("awk '/HugePages_Free/ { print $2 }' /proc/meminfo")[1])
        self.assertLess(free, HUGE_PAGES)

    def test_udev_leaves_the_kernels_side_of_a_port_the_ports_mac(self):
        for port in self.gateway.ctl("status")["ports"]:
            self.assertEqual(machine.read(f"/sys/class/net/rgw-{port['name']}/address").strip(), port["mac"])

    def test_a_cable_that_is_pulled_is_told_in_the_journal_and_works_again_when_it_is_back(self):
        """OPS-10"""
        for side in SIDES:
            with self.subTest(side):
                port = PORTS[side]
                warning = f"RGW-0060 port {port}: no link"
                self.gateway.pull(side, lambda warning=warning: wait_until(
                    lambda: warning in self.gateway.journal("--priority warning..warning"), warning, PATIENCE))
                self.traffic_passes()
                over = rf"RGW-0059 over after .*port {port}: no link"
                wait_until(lambda over=over: re.search(over, self.gateway.journal()), over, PATIENCE)

    def test_a_daemon_that_is_killed_comes_back_with_its_cards(self):
        pid, restarts = self.gateway.show("MainPID"), int(self.gateway.show("NRestarts"))
        machine.run(f"kill -9 {pid}")
        wait_until(lambda: self.gateway.state() == ("active", "running") and self.gateway.show("MainPID") != pid,
                   "the unit runs again", BOOT_PATIENCE)
        self.assertEqual(int(self.gateway.show("NRestarts")), restarts + 1)
        self.traffic_passes()

    def test_a_stop_is_in_order_and_gives_the_cards_back(self):
        machine.run("systemctl stop realmgw")
        try:
            self.assertEqual((*self.gateway.state(), self.gateway.show("Result")), ("inactive", "dead", "success"))
            self.assertNotIn("RGW-0010", self.gateway.journal())
            faults = machine.run("dmesg | grep -i 'dmar.*fault'", check=False)[1]
            self.assertEqual(faults, "", "no card touches memory that is not the gateway's")
            status, said = machine.run(f"realmgwd --check --here {REALM_FILE}", check=False)
            self.assertEqual((status, said.partition(": no mistake found")[2].strip()), (0, NOTHING_MISSING), said)
        finally:
            machine.run("systemctl start realmgw", patience=BOOT_PATIENCE)
        self.traffic_passes()

    def test_a_reboot_brings_it_back_by_itself(self):
        boot = machine.read("/proc/sys/kernel/random/boot_id")
        machine.reboot("systemctl reboot")
        self.assertNotEqual(machine.read("/proc/sys/kernel/random/boot_id"), boot)
        has_booted()
        self.gateway.comes_up()
        self.assertIn(NOTHING_MISSING, self.gateway.journal())
        self.traffic_passes()


def missing():
    """What keeps the box from being built here."""
    if reason := image.missing_tools("mmdebstrap", "mke2fs", "debugfs"):
        return reason
    try:
        directory = lab.BUILD / "box"
        debian.base(directory / "service", packages.package("realmgw"), image.kernel(directory))
    except image.Missing as error:
        return f"no Debian for the box: {error}"
    return None


if __name__ == "__main__":
    if reason := missing():
        print(f"skipped: {reason}")
        sys.exit(77)
    harness.main()
