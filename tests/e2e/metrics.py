"""realmgw-exporter and Prometheus in a box of the lab, and what they say."""

import json
import re
import tempfile
import time
import urllib.parse

import harness

BOX = "gw"
PORT = 9853
SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Scrape:
    """What one scrape gave: `scrape["realmgw_sessions"]`, `scrape["realmgw_drops_total", "reason=unmatched"]`."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples[name, frozenset(f"{k}={v}" for k, v in LABEL.findall(labels or ""))] = float(value)

    def __getitem__(self, key):
        name, *labels = (key,) if isinstance(key, str) else key
        return self.samples[name, frozenset(labels)]

    def names(self):
        return {name for name, _ in self.samples}

    def labels(self, name, label):
        """The values of a label among the samples of that name."""
        return {dict(one.split("=", 1) for one in labels)[label] for other, labels in self.samples if other == name}


class Exporter(harness.Spawned):
    """The exporter in a box, over the lab's gateway or any other socket."""

    def __init__(self, *options, socket=None, before=()):
        super().__init__(BOX, *before, harness.lab.BUILD / "src/app/realmgw-exporter", "--socket",
                         socket or harness.lab.socket_path(), *options, until=harness.listens(BOX, "tcp", PORT))

    def scrape(self):
        return Scrape(harness.run(BOX, "curl", "-sSf", "--max-time", 30, f"http://127.0.0.1:{PORT}/metrics").stdout)


class Growth:
    """with Growth(exporter) as grown: ...; then grown[key] is by how much a sample grew."""

    def __init__(self, exporter):
        self.exporter = exporter

    def __enter__(self):
        self.before = self.exporter.scrape()
        return self

    def __exit__(self, *_):
        self.after = self.exporter.scrape()

    def __getitem__(self, key):
        return self.after[key] - self.before[key]


class Prometheus(harness.Spawned):
    """A Prometheus that scrapes the exporter every second, with the alert rules that are shipped."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(harness.ROOT / "packaging/exporter/realmgw.rules.yml")],
                  "scrape_configs": [{"job_name": "realmgw", "static_configs": [{"targets": [f"127.0.0.1:{PORT}"]}]}]}
        file = f"{self.directory.name}/prometheus.yml"  # JSON is YAML
        with open(file, "w", encoding="ascii") as out:
            json.dump(config, out)
        super().__init__(BOX, "prometheus", f"--config.file={file}", f"--storage.tsdb.path={self.directory.name}/data",
                         "--web.listen-address=127.0.0.1:9090", until=harness.listens(BOX, "tcp", 9090), deadline=20)

    def ask(self, path, **query):
        url = f"http://127.0.0.1:9090/api/v1/{path}?{urllib.parse.urlencode(query)}"
        answer = json.loads(harness.run(BOX, "curl", "-sSf", "--max-time", 10, url).stdout)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """The samples of an instant vector: (labels, value)."""
        return [(one["metric"], float(one["value"][1])) for one in self.ask("query", query=expression)["result"]]

    def value(self, expression):
        """Of the one sample; None where there is none."""
        found = self.query(expression)
        return found[0][1] if found else None

    def __exit__(self, *error):
        super().__exit__(*error)
        self.directory.cleanup()


def elapse(seconds):
    """For what is about time itself."""
    begin = time.monotonic()
    harness.wait_until(lambda: time.monotonic() - begin > seconds, "time passes", seconds + 1)
