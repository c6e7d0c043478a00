"""The console script as a user runs it: in a process of its own, watched while it runs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from click.testing import CliRunner

from sirnn.cli.announce import TEXT
from sirnn.cli.main import cli

SIRNN = str(Path(sys.executable).with_name("sirnn"))
PATIENCE = 600
"""Seconds until a test gives up on a process: none is ever expected to pass, however busy the machine."""


def unannounced(text):
    """What a command prints, but for the line about compiling: whether it is there depends on what ran before."""
    return re.sub(rf"{re.escape(TEXT)}\r?\n", "", text)


def sirnn(*arguments):
    """Run a command to its end."""
    line = [SIRNN, *map(str, arguments)]
    result = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    result.stderr = unannounced(result.stderr)
    return result


def answer(*arguments):
    """The JSON object of a command that succeeds, which is all it prints; run in this process, which is loaded."""
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], prog_name="sirnn")
    assert result.exit_code == 0, result.output
    assert unannounced(result.stderr) == ""
    return json.loads(result.stdout)


def assert_refused(result, *words, code=1):
    """The command failed with one line on standard error that has all these words in it."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("sirnn: ")
    for word in words:
        assert word in lines[0], lines[0]


def assert_bad_usage(result, *words):
    """The command refused its options, click's way: usage, then the error."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert "Usage: sirnn" in result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in " ".join(result.stderr.split()), result.stderr


class Running:
    """A command that runs on while the test looks at it; standard error is a terminal if asked for.

    Leaving the block kills what still runs.
    """

    def __init__(self, *arguments, terminal=False):
        self.output = {"stdout": "", "stderr": ""}
        self._news = threading.Condition()
        self._master, slave = self._terminal() if terminal else (None, subprocess.PIPE)
        self.process = subprocess.Popen(  # noqa: S603 - our own script
            [SIRNN, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=slave,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        if terminal:
            os.close(slave)
        error = self._master if terminal else self.process.stderr.fileno()
        sources = {"stdout": self.process.stdout.fileno(), "stderr": error}
        self._readers = [threading.Thread(target=self._read, args=source) for source in sources.items()]
        for reader in self._readers:
            reader.start()

    @property
    def stdout(self):
        return self.said("stdout")

    @property
    def stderr(self):
        return self.said("stderr")

    def said(self, stream):
        """What it has printed so far."""
        return unannounced(self.output[stream])

    def wait_for(self, pattern, *, on="stderr", after=0):
        """The first match of a pattern behind position `after` of what the process has printed."""
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while (found := re.compile(pattern).search(self.said(on), after)) is None:
                assert self._news.wait(deadline - time.monotonic()), f"no {pattern} in {self.said(on)[-300:]!r}"
        return found

    def end(self, *, signal_number=None, group=False):
        """Signal the process, if asked to, wait for its end, and return its exit code."""
        if signal_number is not None:
            (os.killpg if group else os.kill)(self.process.pid, signal_number)
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.end()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        if self._master is not None:
            os.close(self._master)

    @staticmethod
    def _terminal():
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        return master, slave

    def _read(self, name, descriptor):
        while True:
            try:
                data = os.read(descriptor, 1 << 16)
            except OSError:  # how Linux says that a terminal has no other end
                return
            if not data:
                return
            with self._news:
                self.output[name] += data.decode("utf-8", "replace")
                self._news.notify_all()


class Server(Running):
    """`sirnn serve` on a free port, up and listening. `address` is where."""

    def __init__(self, *arguments, terminal=False):
        super().__init__("serve", "--listen", "127.0.0.1:0", *arguments, terminal=terminal)
        try:
            self.address = self.wait_for(r"listening on (\S+:\d+)")[1]
        except BaseException:
            self.__exit__()
            raise

    @property
    def port(self):
        return int(self.address.rpartition(":")[2])
