"""The algebra of costs, against a plain count of causal depth and against what channels measure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.network import NETWORKS
from simulator.simulation import run_simulation
from sirnn.cost import FREE, Cost, bytes_for, parallel, remembered, sequence
from tests.harness import total
from tests.simulator.test_trace import program, programs


def cost_of(steps):
    """The declared cost of a `program`, written in its shape."""
    cost = FREE
    for step in steps:
        if isinstance(step, list):
            cost += parallel(*(cost_of(branch) for branch in step))
        elif step[0] == "exchange":
            cost += Cost.exchange(8 * step[1], 8 * step[2])
        else:
            cost += Cost.message(step[1], 8 * step[2])
    return cost


@settings(max_examples=200)
@given(programs)
def test_the_cost_of_any_program_is_what_the_channel_measures(steps):
    result = run_simulation(program(steps), program(steps), network=NETWORKS["ideal"])
    cost = cost_of(steps)
    for role in (0, 1):
        traffic = total(result.ledgers[role])
        assert traffic.sent == cost.sent[role]
        assert traffic.received == cost.sent[1 - role]
        assert traffic.flights == cost.flights


@pytest.mark.parametrize(("bits", "nbytes"), [(0, 0), (1, 1), (8, 1), (9, 2), (16, 2), (17, 3)])
def test_bits_round_up_to_bytes_once(bits, nbytes):
    assert bytes_for(bits) == nbytes
    assert Cost.message(0, bits).sent == (nbytes, 0)
    assert Cost.message(1, bits).sent == (0, nbytes)
    assert Cost.exchange(bits).sent == (nbytes, nbytes)
    assert Cost.exchange(bits, 1).sent == (nbytes, 1)


def test_flights_are_the_longest_causal_path():
    ot = Cost.message(1, 8) + Cost.message(0, 8)
    assert ot.flights == 2
    assert (ot + ot).flights == 4
    # The receiver of an OT speaks last: one whose sender goes on costs no flight more.
    assert (ot + Cost.message(0, 8)).flights == 2
    assert (Cost.message(1, 8) + Cost.message(1, 8)).flights == 1
    reverse = Cost.message(0, 8) + Cost.message(1, 8)
    assert (ot + reverse).flights == 3
    assert (ot | reverse).flights == 2
    assert (ot | Cost.exchange(1) * 3).flights == 3
    assert FREE.flights == 0


def test_times_is_one_after_the_other():
    ot = Cost.message(1, 8) + Cost.message(0, 16)
    assert ot * 3 == ot + ot + ot
    assert ot * 0 == FREE
    assert (ot * 3).sent == (6, 3)
    assert (ot * 3).payload == 9


def test_demands_add_up():
    a, b = Cost(demand={"rot": 5, "triple": 1}), Cost(demand={"rot": 2})
    for both in (a + b, a | b):
        assert dict(both.demand) == {"rot": 7, "triple": 1}
    assert dict((b * 4).demand) == {"rot": 8}


@given(st.lists(st.sampled_from([Cost.message(0, 9), Cost.message(1, 1), Cost.exchange(8, 24)]), max_size=3))
def test_times_is_the_same_again_and_again(parts):
    for cost in (sequence(*parts), parallel(*parts)):
        total = FREE
        for times in range(10):
            assert cost * times == total
            total += cost


def test_times_a_huge_number_takes_no_time():
    many = (Cost.message(0, 8) + Cost.message(1, 8) | Cost(demand={"rot": 2})) * 10**15
    assert (many.sent, many.flights, many.demand["rot"]) == ((10**15, 10**15), 2 * 10**15, 2 * 10**15)


def test_a_remembered_formula_is_worked_out_once_for_its_arguments():
    worked_out = []

    @remembered(2)
    def formula(n, *, bits):
        worked_out.append((n, bits))
        return Cost.message(0, n * bits)

    for n in (3, 4, 3, 4):
        assert formula(n, bits=9) == Cost.message(0, 9 * n)
    assert worked_out == [(3, 9), (4, 9)]
    formula(5, bits=9)
    formula(3, bits=9)  # only the latest two are kept
    assert worked_out == [(3, 9), (4, 9), (5, 9), (3, 9)]


def test_a_cost_does_not_change():
    demand = {"rot": 1}
    cost = Cost(demand=demand)
    demand["rot"] = 2
    assert cost.demand["rot"] == 1
    with pytest.raises(TypeError):
        cost.demand["rot"] = 3


costs = st.lists(
    st.one_of(
        st.builds(Cost.message, st.integers(0, 1), st.integers(0, 99)),
        st.builds(Cost.exchange, st.integers(0, 99), st.integers(0, 99)),
    ),
    max_size=6,
).map(lambda parts: sequence(*parts))


@given(costs, costs, costs)
def test_the_laws_of_the_algebra(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert (a | b) | c == a | (b | c) == parallel(a, b, c)
    assert a | b == b | a
    assert a + FREE == FREE + a == a == a | FREE
    # Running side by side is never deeper than one after the other.
    assert max(a.flights, b.flights) == (a | b).flights <= (a + b).flights <= a.flights + b.flights
