"""What the tests of the programs share: a daemon of their own, programs run against it, captures read back."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv.pop(1))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEDGER = re.compile(r"^ledger: produced=(\d+) delivered=(\d+) dropped=(\d+)$", re.M)


def program(name):
    for folder in ("bin", "tests"):
        path = os.path.join(BUILD, folder, name)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(name)


def hive_folder():
    """The corpus of real hives, or None."""
    folder = os.environ.get("REGENT_HIVES") or os.path.join(SOURCE, "..", "shared", "hives")
    return folder if os.path.isdir(folder) else None


class House:
    """A folder, and a regentd on a store and a socket in it."""

    def __init__(self, store=None, prepare=None, options=()):
        self.folder = tempfile.mkdtemp(prefix="regent-e2e.")
        self.socket = os.path.join(self.folder, "socket")
        self.store = store or os.path.join(self.folder, "store")
        self.environment = dict(os.environ, REGENT_SOCKET=self.socket)
        self.environment.pop("REGENT_STORE", None)
        self.daemon = None
        self.start(prepare, options)

    def start(self, prepare=None, options=()):
        self.daemon = subprocess.Popen([program("regentd"), "--store", self.store, "--socket", self.socket, *options],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare)
        ready = self.daemon.stdout.readline()
        if "ready" not in ready:
            raise RuntimeError("regentd did not start: " + self.daemon.communicate()[1])

    def stop(self):
        """SIGTERM; the daemon's exit code and what it said."""
        self.daemon.send_signal(signal.SIGTERM)
        said = self.daemon.communicate(timeout=60)[1]
        code, self.daemon = self.daemon.returncode, None
        return code, said

    def close(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, name, *words, timeout=120):
        return subprocess.run([program(name), *words], env=self.environment, capture_output=True, encoding="utf-8",
                              timeout=timeout)


def ledger(text):
    """(produced, delivered, dropped) as regmon printed them."""
    return tuple(int(number) for number in LEDGER.search(text).groups())


def number_after(label, text):
    return int(re.search("^" + label + r": (\d+)$", text, re.M).group(1))


def records(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def counts(rows):
    """{operation: [successes, failures]}; a status is a success when its top bit is clear."""
    result = {}
    for row in rows:
        pair = result.setdefault(row["operation"], [0, 0])
        pair[int(row["status"], 16) >> 31] += 1
    return result
