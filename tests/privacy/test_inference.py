"""A whole inference, looked at like any protocol: nothing of a recording or of a weight can be seen."""

from __future__ import annotations

from functools import partial

import attrs
import numpy as np
import pytest

from simulator.privacy.check import check_privacy
from simulator.privacy.seeds import same_nonces
from simulator.privacy.taps import replaced
from simulator.simulation import simulate
from sirnn.channel import Phase
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.endpoint import _Fork as Fork
from sirnn.models.model import Model
from sirnn.nn.inference import Reveal, infer, infer_cost
from sirnn.nn.service import answer, ask
from sirnn.party import CLIENT
from sirnn.profile import Profile
from sirnn.protocol import Opened, Private, ProtocolSpec
from tests.nn.sessions import small_model, some_recordings

PROFILE = Profile.EXACT


def first_step(model):
    """The model cut down to a recording of one reading."""
    return Model(attrs.evolve(model.shape, steps=1), model.weights)


def other_weights(model):
    """A model of the same shape with every weight negated, but for those that must stay where they are."""
    arrays = {name: array if name in ("zeta", "nu") else -array for name, array in model.weights.arrays().items()}
    return Model(model.shape, attrs.evolve(model.weights, **arrays))


def inference_spec(model):
    """Inference as a protocol: the server chooses between two sets of weights, the client puts in a recording."""
    shape, models = model.shape, (model, other_weights(model))

    async def inference(party, choice, recordings, *, to):
        chosen = models[int(choice.known().reshape(-1)[0])] if party.is_server else None
        given = recordings.known().reshape(1, *shape.input_shape) if party.role == CLIENT else None
        value = type(recordings)(CLIENT, (1, *shape.input_shape), shape.input_type.bits, given)
        return (await infer(party, shape, chosen, value, reveals=Reveal.LOGITS)).words

    def unchecked(choice, recordings):
        raise AssertionError("only what is seen is looked at")

    size = int(np.prod(shape.input_shape))
    return ProtocolSpec(
        "inference",
        inference,
        unchecked,
        lambda profile, *_: infer_cost(profile, shape, 1, reveals=Reveal.LOGITS),
        (Private(1, owner=0), Private(shape.input_type.bits, owner=CLIENT)),
        lambda _: (Opened(shape.logits_type.bits),),
        ({"to": CLIENT},),
        lambda *_: [(1,), (size,)],
        (PROFILE,),
    )


async def test_what_the_parties_see_of_an_inference_is_noise():
    spec = inference_spec(first_step(small_model(1, hidden=2, classes=("this", "that"))))
    found = await check_privacy(spec, {"to": CLIENT}, PROFILE, runs=18)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("profile", [Profile.EXACT, Profile.PAPER])
async def test_nothing_depends_on_the_inputs_before_they_are_used(profile):
    """Same seeds, other recording and other weights: hello, set-up and all that is made ahead are the same bytes."""
    model = first_step(small_model(1))
    transcripts = []
    for chosen, seed in ((model, 5), (other_weights(model), 6)):
        recordings = some_recordings(model, 2, seed=seed)
        heard = []
        options = {"profile": profile, "stage": lambda phase: None}
        with same_nonces(), overheard(heard):
            await simulate(
                partial(answer, model=chosen, randomness=InsecureSeededRandomness(0), **options),
                partial(ask, recordings=recordings, randomness=InsecureSeededRandomness(1), **options),
            )
        early = [message for phase, *message in heard if phase is not Phase.ONLINE]
        transcripts.append(sorted(early, key=lambda message: message[:2]))  # forks are heard in any order
    assert transcripts[0] == transcripts[1]
    assert len(transcripts[0]) > 8


def overheard(heard):
    """Every message as it is taken: phase, who took it, and its bytes."""

    def listening(receive):
        async def tap(self, nbytes):
            data = await receive(self, nbytes)
            heard.append((self._phase, self.role, self.path, data))
            return data

        return tap

    return replaced(Fork, "_recv", listening)
