"""Connecting and listening over TCP.

    async with listen("127.0.0.1", 7000) as listener:
        async with listener.accept(role=0, version="1") as channel: ...

    async with connect("127.0.0.1", 7000, role=1, version="1") as channel: ...

Plaintext is for one machine only: beyond loopback both refuse, whatever the name of the host resolves to.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from sirnn.channel import Channel
from sirnn.endpoint import Observer
from sirnn.errors import LocalError, TransportError
from transports.connection import SILENCE_SECONDS, open_connection

CONNECT_SECONDS = 10.0
"""How long to try to reach a server."""

RETRY_SECONDS = 0.1
"""Until a connection that could not be accepted is tried again."""


@asynccontextmanager
async def connect(
    host: str,
    port: int,
    *,
    role: int,
    version: str,
    digest: bool = False,
    observer: Observer | None = None,
    connect_seconds: float = CONNECT_SECONDS,
    silence_seconds: float = SILENCE_SECONDS,
    queued: Callable[[], None] = lambda: None,
) -> AsyncIterator[Channel]:
    """Connect to a party that listens and yield this party's root channel; see `connection.open_connection`.

    Raises:
        LocalError: `host` is not, or not only, this machine.
        TransportError: nobody answers at that address, or the server is busy.
        PeerError: the other side does not speak sirnn, or another version.
    """
    stream = await _reach(host, port, connect_seconds)
    async with open_connection(
        stream,
        role=role,
        version=version,
        digest=digest,
        observer=observer,
        silence_seconds=silence_seconds,
        queued=queued,
    ) as channel:
        yield channel


@asynccontextmanager
async def listen(host: str, port: int) -> AsyncIterator[Listener]:
    """Listen on the first address that `host` resolves to; port 0 picks a free one.

    Raises:
        LocalError: `host` is not, or not only, this machine, or the port cannot be had.
    """
    family, address = (await _loopback(host, port))[0]
    with trio.socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            await bound.bind((address, port))
        except OSError as error:
            raise LocalError(
                f"cannot listen on {host}:{port}: {error.strerror}", remedy="choose another port, or 0 for any"
            ) from error
        bound.listen()
        yield Listener(trio.SocketListener(bound))


class Listener:
    """A listening socket.

    Attributes:
        port: the port it listens on.
    """

    def __init__(self, listener: trio.SocketListener) -> None:
        self._listener = listener
        self.port: int = listener.socket.getsockname()[1]

    async def stream(self) -> trio.SocketStream:
        """The next connection, as it comes; for `open_connection`. What ails one connection does not end the wait."""
        while True:
            try:
                return await self._listener.accept()
            except OSError:  # too many open files, most likely: others will close theirs
                await trio.sleep(RETRY_SECONDS)

    @asynccontextmanager
    async def accept(
        self,
        *,
        role: int,
        version: str,
        digest: bool = False,
        observer: Observer | None = None,
        accept_seconds: float | None = None,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> AsyncIterator[Channel]:
        """Wait for the next connection and yield this party's root channel; see `connection.open_connection`.

        Raises:
            TransportError: nobody connected within `accept_seconds` (None waits for ever).
            PeerError: whoever connected does not speak sirnn, or another version. The listener stays open.
        """
        try:
            with trio.fail_after(float("inf") if accept_seconds is None else accept_seconds):
                stream = await self.stream()
        except trio.TooSlowError:
            raise TransportError(
                f"nobody connected to port {self.port} within {accept_seconds:g} s", remedy="is the client running?"
            ) from None
        async with open_connection(
            stream, role=role, version=version, digest=digest, observer=observer, silence_seconds=silence_seconds
        ) as channel:
            yield channel


def peer_name(stream: trio.SocketStream) -> str:
    """Where the other side of a connection is, HOST:PORT; for a log."""
    try:
        host, port = stream.socket.getpeername()[:2]
    except OSError:
        return "gone"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _reach(host: str, port: int, connect_seconds: float) -> trio.SocketStream:
    """A stream to the first address of `host` where somebody listens."""
    addresses = [address for _, address in await _loopback(host, port)]
    refusal: OSError | trio.TooSlowError | None = None
    for address in addresses:
        try:
            with trio.fail_after(connect_seconds):
                return await trio.open_tcp_stream(address, port)
        except (OSError, trio.TooSlowError) as error:
            refusal = error
    raise TransportError(
        f"nobody answers at {host}:{port} ({', '.join(addresses)})", remedy="is the server running?"
    ) from refusal


async def _loopback(host: str, port: int) -> list[tuple[int, str]]:
    """The addresses of `host` with their families, if all of them are this machine's own."""
    try:
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TransportError(f"cannot find the host {host!r}: {error.strerror}", remedy="check its name") from error
    beyond = sorted({str(at[0]) for *_, at in found if not ipaddress.ip_address(at[0]).is_loopback})
    if beyond:
        raise LocalError(
            f"plaintext beyond loopback is refused: {host!r} is {', '.join(beyond)}",
            remedy="forward a port through a tunnel that ends on this machine, such as ssh -L, and connect to that",
        )
    return [(int(family), str(at[0])) for family, _, _, _, at in found]
