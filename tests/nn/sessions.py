"""One inference between `answer` and `ask`, in one test, and how to hold it to the plaintext twin."""

from __future__ import annotations

from functools import partial

import numpy as np

from sirnn import ring
from sirnn.channel import Phase
from sirnn.correlations.prepare import plan
from sirnn.models.model import run_twin
from sirnn.models.quantise import quantise
from sirnn.nn.inference import Reveal, infer_cost
from sirnn.nn.service import answer, ask
from sirnn.profile import Profile
from tests.harness import run_both
from tests.models.networks import CHANNELS, network

STEPS, HIDDEN = 4, 3


def small_model(seed=1, input_rank=None, hidden_rank=None, *, headroom=2.0, **sizes):
    """A random network of 4 steps and hidden size 3, quantised."""
    recordings = np.random.default_rng(seed).normal(size=(20, STEPS, CHANNELS))
    sizes.setdefault("hidden", HIDDEN)
    return quantise(network(seed, input_rank, hidden_rank, **sizes), recordings, headroom=headroom)


def some_recordings(model, count, *, seed=5):
    """Anything the input type can hold, right up to its ends."""
    shape = model.shape
    low, high = shape.types.input.range
    return np.random.default_rng(seed).uniform(low, high, size=(count, shape.steps, shape.channels))


async def infer_both(model, recordings, *, reveals=Reveal.CLASS, over="sim", **options):
    """The outcome of both sides."""
    return await run_both(
        partial(answer, model=model, reveals=reveals),
        partial(ask, recordings=recordings, reveals=reveals, **options),
        over=over,
    )


def opened(outcome):
    """The logits' words, both parties' shares put together."""
    server, client = (reply.logits for reply in outcome.values)
    return ring.reduce(server.words + client.words, client.bits)


def assert_is_the_twin(outcome, model, recordings, reveals=Reveal.CLASS):
    """Every word is the twin's, the client learns what was agreed and the server nothing."""
    server, client = outcome.values
    twin = run_twin(model, model.shape.encode_recordings(recordings))
    assert np.array_equal(opened(outcome), twin.logits)
    assert np.array_equal(client.words, twin.logits if reveals is Reveal.LOGITS else twin.prediction)
    assert client.classes == tuple(twin.prediction)
    assert client.names == tuple(model.shape.classes[index] for index in twin.prediction)
    assert (server.words, server.classes, server.names) == (None, None, ())
    assert server.recordings == client.recordings == len(recordings)


def assert_costs_what_is_declared(outcome, model, count, reveals=Reveal.CLASS):
    """Bytes of each direction and flights, to the byte and the flight, online and ahead."""
    online = infer_cost(Profile.LEAN, model.shape, count, reveals=reveals)
    ahead = plan(Profile.LEAN, online.demand).offline
    for phase, declared in ((Phase.ONLINE, online), (Phase.OFFLINE, ahead)):
        for role in (0, 1):
            measured = outcome.traffic(role, phase)
            assert (measured.sent, measured.received) == (declared.sent[role], declared.sent[1 - role])
            assert measured.flights == declared.flights
