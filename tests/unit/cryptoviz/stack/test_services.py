import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.stack.errors import StackError
from cryptoviz.stack.services import Service, in_start_order, in_stop_waves


def service(name: str, *needs: str) -> Service:
    return Service(name=name, command=(name,), ready=lambda: None, waits_for="", ports=(), needs=needs)


@st.composite
def without_circles(draw: st.DrawFn) -> list[Service]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 7)))]
    made = [service(name, *draw(st.sets(st.sampled_from(names[:n] or ["gone"])))) for n, name in enumerate(names)]
    return draw(st.permutations(made))


@given(without_circles())
def test_every_service_starts_after_what_it_needs(services: list[Service]) -> None:
    ordered = in_start_order(services)
    assert {one.name for one in ordered} == {one.name for one in services}
    rank = {one.name: number for number, one in enumerate(ordered)}
    assert all(rank[need] < rank[one.name] for one in services for need in one.needs if need in rank)


@given(without_circles())
def test_no_service_stops_before_those_that_need_it(services: list[Service]) -> None:
    waves = in_stop_waves(services)
    wave_of = {one.name: number for number, wave in enumerate(waves) for one in wave}
    assert len(wave_of) == len(services)
    assert all(wave_of[one.name] < wave_of[need] for one in services for need in one.needs if need in wave_of)


@pytest.mark.parametrize("order", [in_start_order, in_stop_waves])
def test_a_circle_is_named(order) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StackError, match=r"in a circle: a, b"):
        order([service("a", "b"), service("b", "a")])
