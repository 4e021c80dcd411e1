#!/usr/bin/env python3
"""The gateway on PCI cards (OPS-7): the release build in a virtual machine, on emulated cards behind an IOMMU.

  of each card: outbound and inbound by name, of both families; packets longer than the link; a cable is pulled;
  the end, in order. Besides: receive-side scaling, long links, a second gateway on the same cards, memory with
  huge pages and with too few, what `--check --here` says of cards.

Root and QEMU are needed; nothing of the machine's own network is touched. Exit status 77: something is missing.
"""

import contextlib
import json
import os
import pathlib
import sys
import unittest

os.environ.setdefault("RGW_LAB", "box")

import image
from machine import HUGE_PAGES, PAIRS, SIDES, Machine
import harness
from gateway import CLIENT, CLIENT6, Daemon, Traffic, realm
from harness import lab

machine = None


def setUpModule():
    global machine
    directory = lab.BUILD / "box"
    programs = [lab.BUILD / "src/app" / name for name in ("realmgwd", "realmgwctl")]
    machine = unittest.enterModuleContext(Machine(directory, image.build(directory, programs), PAIRS.values()))


def dma_faults():
    """What the kernel has said since the last time about cards that touched memory which is not theirs."""
    return machine.run("dmesg -c | grep -i 'dmar.*fault'", check=False)[1]


class Card(Traffic):
    """What holds of each card."""

    workers = 1
    faults_at_start = False

    @classmethod
    def setUpClass(cls):
        cls.pair = PAIRS[cls.card]
        cls.gateway = cls.enterClassContext(Daemon(machine, cls.pair, cls.workers))
        cls.addClassCleanup(cls.it_stops_in_order)
        faults = dma_faults()
        assert cls.faults_at_start or not faults, faults

    @classmethod
    def it_stops_in_order(cls):
        """With all packet buffers back, and no card has touched memory that is not the gateway's."""
        status, log = cls.gateway.stop(), cls.gateway.log()
        faults = dma_faults()
        assert status == 0, f"exit status {status}\n{log}"
        assert "RGW-0010" not in log, log
        assert not faults, faults

    def shortDescription(self):
        return None  # the name is the sentence

    def test_a_host_reaches_the_outside(self):
        self.a_host_reaches_the_outside()

    def test_a_host_is_reached_by_its_name(self):
        """POOL-1"""
        self.a_host_is_reached_by_its_name()

    def test_packets_longer_than_the_link_pass(self):
        for remote in (CLIENT, CLIENT6):
            with self.subTest(remote):
                self.assertTrue(self.gateway.ping(remote, "-s4000"))

    def test_a_cable_that_was_pulled_works_again_when_it_is_back(self):
        for side in SIDES:
            with self.subTest(side):
                self.gateway.pull(side)
                self.gateway.pings_pass()


class Virtio(Card, unittest.TestCase):
    card = "virtio"

    def test_huge_pages_are_used_though_no_hugetlbfs_is_mounted(self):
        self.assertEqual(machine.run("mount | grep hugetlbfs", check=False), (1, ""))
        self.assertNotRegex(self.gateway.log(), "RGW-0011|RGW-0017")
        free = int(machine.run("awk '/HugePages_Free/ { print $2 }' /proc/meminfo")[1])
        self.assertLess(free, HUGE_PAGES)

    def test_a_second_gateway_on_the_same_cards_is_refused_and_does_no_harm(self):
        status, said = machine.run("realmgwd --config /tmp/realm.yaml", check=False)
        self.assertEqual(status, 1, said)
        self.assertRegex(said, rf"the card {self.pair.device('in')} is held by process \d+ \(realmgwd\)")
        self.assertTrue(self.gateway.ping(CLIENT))


class VirtioWithTwoQueues(Card, unittest.TestCase):
    card, workers = "virtio2", 2

    def test_each_worker_has_a_queue_and_both_forward_what_comes_in(self):
        self.assertEqual(self.gateway.log().count("2 queues"), 2)
        self.both_workers_forward_what_comes_in()


class E1000e(Card, unittest.TestCase):
    card = "e1000e"


class LongLinks(unittest.TestCase):
    """`ports: mtu` on cards that cut a packet over several buffers where one does not hold it."""

    def test_packets_of_the_whole_mtu_pass(self):
        for card, mtu in (("e1000e", 3000), ("virtio", 9000), ("vmxnet3", 9000)):
            with self.subTest(card), Daemon(machine, PAIRS[card], 1, mtu=mtu) as gateway:
                for remote, header in ((CLIENT, 28), (CLIENT6, 48)):
                    for length in (1500, 2049, mtu):
                        with self.subTest(length=length):
                            self.assertTrue(gateway.ping(remote, "-Mdo", f"-s{length - header}"))
                self.assertEqual(gateway.stop(), 0, gateway.log())

    def test_an_mtu_that_a_card_would_cut_is_refused_by_name(self):
        refusal = r"port inside \(0000:00:14.0\): net_e1000_em would cut packets of an MTU of 9000"
        with self.assertRaisesRegex(AssertionError, refusal):
            with Daemon(machine, PAIRS["e1000e"], 1, mtu=9000):
                pass


class Vmxnet3(Card, unittest.TestCase):
    card, workers = "vmxnet3", 2
    # QEMU's vmxnet3 reads address 0 a few times while its driver starts it, before any packet.
    faults_at_start = True


class TooFewHugePages(Card, unittest.TestCase):
    """Ordinary memory instead, which a card finds by its virtual address as well."""

    card = "e1000e"

    @classmethod
    def setUpClass(cls):
        machine.run("echo 16 >/proc/sys/vm/nr_hugepages")
        cls.addClassCleanup(machine.run, f"echo {HUGE_PAGES} >/proc/sys/vm/nr_hugepages")
        super().setUpClass()

    def test_the_log_tells_how_many_are_needed(self):
        self.assertRegex(self.gateway.log(), r"RGW-0017 huge pages of 32 MiB are free and \d+ MiB are needed")


class Here(unittest.TestCase):
    """`realmgwd --check --here` looks at cards, their drivers and their IOMMU (OPS-1)."""

    def check(self):
        pair = PAIRS["e1000e"]
        machine.write("/tmp/here.yaml", json.dumps(realm(pair, 1, 1500)))
        status, said = machine.run("realmgwd --check --here /tmp/here.yaml", check=False)
        return status, said.partition(": no mistake found")[2]

    def test_cards_that_vfio_has_are_good(self):
        status, said = self.check()
        self.assertEqual((status, said.strip()), (0, "this machine: nothing is missing"))

    def test_a_card_without_a_driver_is_told_with_the_command_that_binds_it(self):
        card = PAIRS["e1000e"].device("in")
        machine.run(f"echo {card} >/sys/bus/pci/drivers/vfio-pci/unbind")
        try:
            status, said = self.check()
        finally:
            machine.run(f"echo {card} >/sys/bus/pci/drivers_probe")
        self.assertEqual(status, 1)
        self.assertIn(f"here: port inside: the card {card} has no driver\n"
                      f"      modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci {card}", said)


def missing():
    """What keeps the box from being built here."""
    if reason := image.missing_tools("busybox"):
        return reason
    if not (lab.BUILD / "src/app/realmgwd").exists():
        return f"{lab.BUILD}/src/app/realmgwd is not built"
    try:
        image.kernel(lab.BUILD / "box")
    except image.Missing as error:
        return f"no kernel for the box: {error}"
    return None


if __name__ == "__main__":
    if reason := missing():
        print(f"skipped: {reason}")
        sys.exit(77)
    harness.main()
