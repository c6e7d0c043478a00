"""How serve and query end when something breaks: with a clear line at whoever is left, and never with a hang."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import struct
import subprocess

import pytest
import trio

from sirnn.errors import PeerError
from sirnn.nn.service import ask
from sirnn.version import PROTOCOL_VERSION
from tests.cli.processes import PATIENCE, SIRNN, Running, Server, answer, assert_refused, sirnn
from transports import tcp
from transports.connection import MAGIC, VERSION_BYTES

AT_WORK = r"[1-9]\d*/50"
"""What the bar of the long scenario shows once both parties are past the set-up."""


def preamble(version):
    """The first words of a party."""
    return MAGIC + version.encode().ljust(VERSION_BYTES, b"\0")


def client_of(server, files, **options):
    return Running("query", "--connect", server.address, "--input", files.recording, **options)


async def command(*arguments):
    """A command that runs to its end while the test does something else."""
    line = [SIRNN, *map(str, arguments)]
    with trio.fail_after(PATIENCE):
        return await trio.run_process(line, capture_stdout=True, capture_stderr=True, check=False)


# ------------------------------------------------------------ somebody is killed


def test_a_killed_client_is_not_the_next_ones_trouble(long):
    with Server("--model", long.model_path, terminal=True) as server:
        with client_of(server, long) as client:
            server.wait_for(AT_WORK)
            assert client.end(signal_number=signal.SIGKILL) == -signal.SIGKILL
        said = server.wait_for("session 1 with .*: failed: .*")
        assert "connection" in said[0]
        assert "Traceback" not in server.stderr
        answer("query", "--connect", server.address, "--input", long.recording)
        server.wait_for("answered 1 recording", on="stdout")
        assert server.process.poll() is None


def test_a_killed_client_ends_a_server_of_one(long):
    with Server("--model", long.model_path, "--once", terminal=True) as server:
        with client_of(server, long) as client:
            server.wait_for(AT_WORK)
            client.end(signal_number=signal.SIGKILL)
        assert server.end() == 1
        assert "sirnn: network: " in server.stderr
        assert "Traceback" not in server.stderr
        assert server.stdout == ""


def test_a_killed_server_ends_the_client(long):
    with Server("--model", long.model_path) as server, client_of(server, long, terminal=True) as client:
        client.wait_for(AT_WORK)
        server.end(signal_number=signal.SIGKILL)
        assert client.end() == 1
        assert "sirnn: network: the " in client.stderr
        assert "Traceback" not in client.stderr
        assert client.stdout == ""


# ------------------------------------------------------------ somebody is interrupted


def test_ctrl_c_is_how_a_server_stops(tiny):
    with Server("--model", tiny.model_path) as server:
        assert server.end(signal_number=signal.SIGINT) == 0
        assert server.stderr.splitlines()[1:] == ["stopped"]
        assert server.stdout == ""


def test_the_service_manager_stops_a_server_like_ctrl_c(tiny):
    with Server("--model", tiny.model_path) as server:
        assert server.end(signal_number=signal.SIGTERM) == 0
        assert server.stderr.splitlines()[1:] == ["stopped"]


def test_ctrl_c_before_the_one_client_is_a_failure(tiny):
    with Server("--model", tiny.model_path, "--once") as server:
        assert server.end(signal_number=signal.SIGINT) == 1
        assert server.stderr.splitlines()[1:] == ["sirnn: interrupted"]


def test_ctrl_c_at_a_server_at_work_tells_the_client(long):
    with Server("--model", long.model_path) as server, client_of(server, long, terminal=True) as client:
        client.wait_for(AT_WORK)
        assert server.end(signal_number=signal.SIGINT) == 0
        assert server.stderr.splitlines()[1:] == ["stopped"]
        assert client.end() == 1
        assert "sirnn: the other party: the other party stopped with Cancelled" in client.stderr


def test_ctrl_c_at_the_client_tells_the_server(long):
    with Server("--model", long.model_path, terminal=True) as server:
        with client_of(server, long) as client:
            server.wait_for(AT_WORK)
            assert client.end(signal_number=signal.SIGINT) == 1
            assert client.stderr.splitlines() == ["sirnn: interrupted"]
        server.wait_for("failed: the other party stopped with Cancelled")


# ------------------------------------------------------------ somebody is something else


def test_a_web_browser_is_told_off_and_the_server_goes_on(tiny):
    with Server("--model", tiny.model_path) as server:
        browser = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        browser.request("GET", "/")
        with pytest.raises((http.client.HTTPException, OSError)):
            browser.getresponse()
        browser.close()
        server.wait_for(
            r"session 1 with 127\.0\.0\.1:\d+: failed: the other side does not speak sirnn: it began with b'G"
        )
        answer("query", "--connect", server.address, "--input", tiny.recording)


@pytest.mark.parametrize("once", [(), ("--once",)], ids=["many", "once"])
def test_a_connection_that_says_nothing_is_no_client(tiny, once):
    """A health probe connects and leaves, or stays: nobody is told, and nobody waits for it."""
    with Server("--model", tiny.model_path, *once, "--hello-seconds", "30") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            for _ in range(3):
                socket.create_connection(("127.0.0.1", server.port)).close()
            reset = socket.create_connection(("127.0.0.1", server.port))
            reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            reset.close()
            answer("query", "--connect", server.address, "--input", tiny.recording)
            server.wait_for("answered 1 recording", on="stdout")
            silent.close()
        assert server.end(signal_number=None if once else signal.SIGINT) == 0
        assert server.stderr.splitlines()[1:] == ([] if once else ["stopped"])


def test_a_client_that_falls_silent_after_its_first_word_is_given_up(tiny):
    with Server("--model", tiny.model_path, "--once", "--hello-seconds", "0.2") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(preamble(str(PROTOCOL_VERSION)))
            assert server.end() == 1
        assert "sirnn: network: the hello was not over after 0.2 s" in server.stderr


async def test_a_client_of_another_version_is_named_at_both_sides(tiny):
    with Server("--model", tiny.model_path, "--once") as server:
        with pytest.raises(PeerError, match="'999'"):
            async with tcp.connect("127.0.0.1", server.port, role=1, version="999"):
                pass
        assert await trio.to_thread.run_sync(server.end) == 1
        assert "sirnn: the other party: this side speaks version" in server.stderr
        assert "'999'" in server.stderr


async def test_a_server_of_another_version_is_named_at_both_sides(tiny):
    async def be_server(listener):
        with pytest.raises(PeerError, match="'999'"):
            async with listener.accept(role=0, version="999"):
                pass

    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(be_server, listener)
        result = await command("query", "--connect", f"127.0.0.1:{listener.port}", "--input", tiny.recording)
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.startswith(b"sirnn: the other party: this side speaks version")
    assert b"'999'" in result.stderr


async def test_a_client_that_asks_a_client(tiny):
    # Two clients, one of them in the server's place: roles are compared first.
    async def query(port):
        result = await command("query", "--connect", f"127.0.0.1:{port}", "--input", tiny.recording)
        assert result.returncode == 1
        assert b"role: 'client' here, 'client' there" in result.stderr

    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(query, listener.port)
        with pytest.raises(PeerError, match="role: "):
            async with listener.accept(role=1, version=str(PROTOCOL_VERSION)) as channel:
                await ask(channel, tiny.recordings[1])


# ------------------------------------------------------------ nobody there, or somebody there already


def test_nobody_listens(tiny):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        result = sirnn("query", "--connect", address, "--input", tiny.recording)
    assert_refused(result, "network:", f"nobody answers at {address}", "is the server running?")


def test_the_port_is_taken(tiny):
    with Server("--model", tiny.model_path) as server:
        result = sirnn("serve", "--model", tiny.model_path, "--listen", server.address)
        assert_refused(result, f"cannot listen on {server.address}", "choose another port")
        assert server.process.poll() is None


@pytest.mark.parametrize(
    "arguments",
    [("serve", "--listen", "0.0.0.0:7000"), ("serve", "--listen", "[::]:0"), ("query", "--connect", "10.0.0.1:7000")],
    ids=lambda arguments: arguments[2],
)
def test_plaintext_stays_on_this_machine(arguments):
    assert_refused(sirnn(*arguments), "plaintext beyond loopback is refused", "through a tunnel")


def test_a_host_that_does_not_exist():
    assert_refused(sirnn("query", "--connect", "nowhere.invalid:7000"), "cannot find the host 'nowhere.invalid'")


def test_the_reader_of_the_output_has_gone(tiny):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        line = [SIRNN, "run", str(tiny.scenario)]
        result = subprocess.run(  # noqa: S603
            line, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
        )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
