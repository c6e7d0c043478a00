import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn.channel import FRAME_HEADER, FRAME_LIMIT, framing_bytes
from sirnn.errors import PeerError
from transports import framing
from transports.framing import Message, Reassembler, frames

MORE = 1 << 31


class Anything:
    """A receiver that refuses nothing and keeps what it is told."""

    def __init__(self):
        self.announced = []

    def announce(self, fork, nbytes, total, *, more):
        self.announced.append((fork, nbytes, total, more))

    def hear(self, fork):
        pass


def framed(fork, depth, payload):
    return [bytes(head) + part for head, part in frames(fork, depth, payload)]


def header(fork, depth, word):
    return struct.pack("<QII", fork, depth, word)


def test_the_header_on_the_wire():
    (frame,) = framed(0x0102030405060708, 0x0A0B0C0D, b"xyz")
    assert frame.hex() == "0807060504030201" + "0d0c0b0a" + "03000000" + b"xyz".hex()


@pytest.mark.parametrize(
    "size", [0, 1, FRAME_LIMIT - 1, FRAME_LIMIT, FRAME_LIMIT + 1, 2 * FRAME_LIMIT, 5 * FRAME_LIMIT // 2]
)
def test_framing_is_what_the_channel_counts(size):
    cut = framed(1, 1, bytes(size))
    assert sum(map(len, cut)) == size + framing_bytes(size)
    assert all(len(frame) <= FRAME_HEADER + FRAME_LIMIT for frame in cut)


messages = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**32 - 1), st.binary(max_size=40)), max_size=12)


@given(messages, st.data())
def test_any_interleaving_cut_anywhere_comes_back(sent, data):
    """With a frame of 8 bytes, so that most messages are several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing, "FRAME_LIMIT", 8)
        lines = {}
        for message in sent:
            lines.setdefault(message[0], []).extend(framed(*message))
        stream = b""
        while lines:
            fork = data.draw(st.sampled_from(sorted(lines)))
            stream += lines[fork].pop(0)
            if not lines[fork]:
                del lines[fork]
        reassembler, got = Reassembler(Anything()), []
        while stream:
            cut = data.draw(st.integers(1, len(stream)))
            got += reassembler.feed(stream[:cut])
            stream = stream[cut:]
        assert not reassembler.inside
        for fork in range(4):
            assert [m for m in got if m.fork == fork] == [Message(*m) for m in sent if m[0] == fork]


@pytest.mark.parametrize(
    "stream",
    [
        header(1, 1, FRAME_LIMIT + 1),
        header(1, 1, MORE - 1),
        header(1, 1, MORE | 5),  # only the last frame may be short
        header(1, 1, MORE),
        header(1, 1, MORE | FRAME_LIMIT) + bytes(FRAME_LIMIT) + header(1, 1, 0),  # one framing for each length
        header(1, 1, MORE | FRAME_LIMIT) + bytes(FRAME_LIMIT) + header(1, 2, 5),
    ],
)
def test_frames_that_cannot_be_are_refused_before_their_bytes_come(stream):
    with pytest.raises(PeerError):
        list(Reassembler(Anything()).feed(stream))


def test_a_message_that_grows_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(framing, "MESSAGE_LIMIT", 3 * FRAME_LIMIT)
    receiver = Anything()
    reassembler = Reassembler(receiver)
    for _ in range(3):
        assert list(reassembler.feed(header(1, 1, MORE | FRAME_LIMIT) + bytes(FRAME_LIMIT))) == []
    assert receiver.announced == [(1, FRAME_LIMIT, count * FRAME_LIMIT, True) for count in (1, 2, 3)]
    with pytest.raises(PeerError, match="more than"):
        list(reassembler.feed(header(1, 1, 1)))


def test_what_the_receiver_refuses_takes_no_memory():
    class Nothing(Anything):
        def announce(self, fork, nbytes, total, *, more):
            raise PeerError("no")

    with pytest.raises(PeerError, match="no"):
        list(Reassembler(Nothing()).feed(header(1, 1, 5)))


def test_where_a_stream_may_end():
    reassembler = Reassembler(Anything())
    stream = b"".join(framed(1, 1, b"abc"))
    assert not reassembler.inside
    for index in range(len(stream) - 1):
        assert list(reassembler.feed(stream[index : index + 1])) == []
        assert reassembler.inside
        assert reassembler.wanted == (FRAME_HEADER - index - 1 if index < FRAME_HEADER - 1 else len(stream) - index - 1)
    assert list(reassembler.feed(stream[-1:])) == [Message(1, 1, b"abc")]
    assert not reassembler.inside


@given(st.binary(max_size=200))
def test_garbage_never_crashes(garbage):
    try:
        for message in Reassembler(Anything()).feed(garbage):
            assert len(message.payload) <= len(garbage)
    except PeerError:
        pass
