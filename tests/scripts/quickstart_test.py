#!/usr/bin/env python3
"""scripts/quickstart in a made-up clone whose packages, build and programs are stubs.

usage: quickstart_test.py REPOSITORY STUB_HERALDD
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

REPOSITORY, STUB_HERALDD = sys.argv[1:3]

# Every build makes the programs anew, as a linker does: what ran before runs a deleted file.
CMAKE = """#!/bin/sh
[ "$1" = --build ] || exit 0
mkdir -p build/release/bin
rm -f build/release/bin/heraldd
cp "$STUB_HERALDD" build/release/bin/heraldd
cp heraldctl.stub build/release/bin/heraldctl
"""

# Notes what it was called with, and which settings came with the environment.
HERALDCTL = """#!/bin/sh
echo "$(env | grep -c '^HERALD_') $*" >>heraldctl.calls
echo em_0akwzkdf00000
"""


def write_program(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="quickstart-test-"))
        self.clone = os.path.join(self.folder, "clone")
        self.state = os.path.join(self.clone, ".herald/dev")
        write_program(os.path.join(self.folder, "bin/cmake"), CMAKE)
        write_program(os.path.join(self.clone, "heraldctl.stub"), HERALDCTL)
        write_program(os.path.join(self.clone, "scripts/install-packages"), "#!/bin/sh\n")
        shutil.copy(os.path.join(REPOSITORY, "scripts/quickstart"),
                    os.path.join(self.clone, "scripts"))

    def tearDown(self):
        shutil.rmtree(os.path.join(self.state, "postgres"), ignore_errors=True)
        self.run_script("--stop")
        shutil.rmtree(self.folder)

    def run_script(self, *arguments, clone=None, **environment):
        path = os.path.join(self.folder, "bin") + ":" + os.environ["PATH"]
        return subprocess.run(
            [os.path.join(clone or self.clone, "scripts/quickstart"), *arguments],
            env={"PATH": path, "STUB_HERALDD": STUB_HERALDD, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=60, check=False)

    def pid(self):
        with open(os.path.join(self.state, "heraldd.pid"), encoding="utf-8") as file:
            return int(file.read())

    def test_starts_once_and_stops(self):
        first = self.run_script()
        self.assertEqual(first.returncode, 0, first.stdout)
        pid = self.pid()
        self.assertTrue(os.path.exists(f"/proc/{pid}"))
        stopped = self.run_script("--stop")
        self.assertEqual(stopped.returncode, 0, stopped.stdout)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))
        self.assertFalse(os.path.exists(self.state))

    def test_knows_its_stack_after_a_rebuild(self):
        self.run_script()
        pid = self.pid()
        again = self.run_script()
        self.assertEqual(again.returncode, 0, again.stdout)
        self.assertEqual(self.pid(), pid)
        self.assertIn("It is older than what was built now.", again.stdout)
        self.assertIn(f"kill {pid};", again.stdout)
        self.run_script("--stop")
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_knows_its_stack_through_a_symlink(self):
        link = os.path.join(self.folder, "link")
        os.symlink(self.clone, link)
        first = self.run_script(clone=link)
        self.assertEqual(first.returncode, 0, first.stdout)
        pid = self.pid()
        again = self.run_script(clone=link)
        self.assertIn("heraldd --dev is running", again.stdout)
        self.assertEqual(self.pid(), pid)

    def test_speaks_to_its_own_stack_alone(self):
        ran = self.run_script(HERALD_ADDR="herald.example.com:443", HERALD_TOKEN="real",
                              HERALD_OPERATOR_TOKEN="real", HERALD_TLS="system",
                              HERALD_CA_FILE="ca", HERALD_CLIENT_CERT="cert",
                              HERALD_CLIENT_KEY="key")
        self.assertEqual(ran.returncode, 0, ran.stdout)
        with open(os.path.join(self.clone, "heraldctl.calls"), encoding="utf-8") as file:
            calls = file.read().splitlines()
        self.assertEqual([call.split(" ")[:4] for call in calls],
                         [["0", "--profile", ".herald/dev/heraldctl.env", "template"],
                          ["0", "--profile", ".herald/dev/heraldctl.env", "send"]])

    def test_leaves_the_data_of_a_living_postgresql(self):
        self.run_script()
        data = os.path.join(self.state, "postgres/data")
        os.makedirs(data)
        program = os.path.join(self.folder, "postgres")
        shutil.copy("/bin/sleep", program)
        with subprocess.Popen([program, "600"]) as server:
            try:
                with open(os.path.join(data, "postmaster.pid"), "w", encoding="utf-8") as file:
                    file.write(f"{server.pid}\n{data}\n")
                refused = self.run_script("--stop")
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertIn(f"process {server.pid}", refused.stdout)
                self.assertTrue(os.path.exists(data))
            finally:
                server.kill()
        stopped = self.run_script("--stop")
        self.assertEqual(stopped.returncode, 0, stopped.stdout)
        self.assertFalse(os.path.exists(self.state))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
