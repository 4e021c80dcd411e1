"""What clients ask of the Circular Pool, when they come, and what theory says that they get."""

import collections
import dataclasses
import math
import random

HOSTS = [f"h{n}" for n in range(20)]
PORTS = [5001 + n for n in range(5)]
GEOMETRIC = [1 / 2 ** (n + 1) for n in range(len(PORTS))]  # the n-th port is asked for half as often as the one before
GEOMETRIC[-1] *= 2  # together they are 1


@dataclasses.dataclass(frozen=True)
class Mix:
    """What clients ask for: a share of plain names (FQDN), and names of services over so many protocols."""

    name: str
    plain: float
    protocols: tuple = ("tcp", "udp")

    def draw(self, source):
        """(host, None) or (host, service)"""
        host = source.choice(HOSTS)
        port = source.choices(PORTS, GEOMETRIC)[0]
        service = f"{source.choice(self.protocols)}{port}"
        return host, None if source.random() < self.plain else service

    def services(self):
        """{service: its share of the queries for services}"""
        return {f"{protocol}{port}": share / len(self.protocols)
                for protocol in self.protocols for port, share in zip(PORTS, GEOMETRIC)}


# The four of the first seed's figure 3.
MIXES = [Mix("100 % FQDN", 1.0),
         Mix("50 % FQDN, 50 % SFQDN of 5 services", 0.5, ("tcp",)),
         Mix("50 % FQDN, 50 % SFQDN of 2 x 5 services", 0.5),
         Mix("100 % SFQDN of 2 x 5 services", 0.0)]


# --- when clients come: (seconds, host, service or None) ----------------------------------------------------


def poisson(mix, rate, seconds, source):
    at, arrivals = 0.0, []
    while (at := at + source.expovariate(rate)) < seconds:
        arrivals.append((at, *mix.draw(source)))
    return arrivals


def saturate(services, interval, seconds):
    """For each service (None: plain names) a query each `interval`: a place that comes free is taken at once."""
    return [((step + n / len(services)) * interval, HOSTS[(step + n) % len(HOSTS)], service)
            for step in range(int(seconds / interval)) for n, service in enumerate(services)]


# --- theory --------------------------------------------------------------------------------------------------


def erlang_b(servers, erlangs):
    """The share of arrivals that find all servers taken."""
    blocking = 1.0
    for n in range(1, servers + 1):
        blocking = erlangs * blocking / (n + erlangs * blocking)
    return blocking


def simulate(arrivals, addresses, service_time):
    """What the loss system grants to these arrivals: a list of (is it a plain name, is it granted). A plain name takes an
    address of its own; a service takes its part of one, and of one that is in use already where that is possible."""
    held = [set() for _ in range(addresses)]  # services; None: the whole address
    order = list(range(addresses))  # least recently taken first
    ends, outcomes = collections.deque(), []
    for now, _, service in arrivals:
        while ends and ends[0][0] <= now:
            _, where, what = ends.popleft()
            held[where].remove(what)
        fits = [n for n in order if not held[n] or (service and not held[n] & {None, service})]
        if fits:
            where = next((n for n in fits if held[n]), fits[0])
            if not held[where]:
                order.remove(where)
                order.append(where)
            held[where].add(service)
            ends.append((now + service_time, where, service))
        outcomes.append((service is None, bool(fits)))
    return outcomes


def granted(outcomes, plain=None):
    """The share that is granted: of all, of plain names, or of services."""
    mine = [good for is_plain, good in outcomes if plain in (None, is_plain)]
    return sum(mine) / len(mine) if mine else math.nan


def expected(mix, addresses, rate, service_time, arrivals=100_000):
    """First-attempt success in the loss system: of all, of plain names, of services. Plain names alone are Erlang's; so is
    each service alone, for it has every address to itself. What shares addresses has no formula, and is simulated."""
    if mix.plain == 1.0:
        good = 1 - erlang_b(addresses, rate * service_time)
        return good, good, math.nan
    if mix.plain == 0.0:
        good = sum(share * (1 - erlang_b(addresses, rate * share * service_time)) for share in mix.services().values())
        return good, math.nan, good
    outcomes = simulate(poisson(mix, rate, arrivals / rate, random.Random(1)), addresses, service_time)
    return granted(outcomes), granted(outcomes, True), granted(outcomes, False)
