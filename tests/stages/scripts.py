# SPDX-License-Identifier: GPL-2.0-only
"""What the scripts of packaging/ and tests/vm tell of what they would make. The seam to machines."""

import subprocess
import threading


class Gone(Exception):
    """Debian's archive has no such kernel, or no more."""


class Unknown(Exception):
    """It cannot be told what something is made of."""


class Scripts:
    """Asks each script once for each question."""

    def __init__(self, top):
        self.top = top
        self.told = {}
        self.lock = threading.Lock()

    def package_key(self):
        """One line that tells the package and the root it is built in from any other."""
        return self.ask("packaging/build-package", "--key")

    def machine_key(self, options):
        """One line that tells a machine and all it is made of from any other: QEMU, root, kernel, package, boot."""
        return self.ask("tests/vm/run", "--key", *options)

    def kernel_verdict(self, series):
        """Which kernel the archive has of a series, and what its type information tells."""
        return self.ask("tests/vm/kernel", series)

    def ask(self, *question):
        with self.lock:
            if question not in self.told:
                try:
                    self.told[question] = self.answer(question)
                except (Gone, Unknown) as error:
                    self.told[question] = error
        if isinstance(self.told[question], Exception):
            raise self.told[question]
        return self.told[question]

    def answer(self, question):
        result = subprocess.run(
            [self.top / question[0], *question[1:]],
            cwd=self.top, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        if result.returncode == 0:
            return result.stdout.strip()
        said = result.stderr.strip().splitlines()
        if result.returncode == 3:
            if not said:
                raise Gone(f"Debian's archive has no kernel {question[-1]}")
            # Without the name of the script that says so.
            raise Gone(said[-1].partition(": ")[2] or said[-1])
        raise Unknown(said[-1] if said else f"{' '.join(question)} ended with status {result.returncode}")
