"""Plans: their ids, their fingerprints, and the JSON that they are kept as."""

import json
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from toy_world import NOW, STEPS, ToyWorld, toy_plan, write_file

from requorum.errors import DamagedInput, Refused
from requorum.workflow.plan import (
    Plan,
    PlanOutline,
    digest_of,
    fingerprint_of,
    new_run_id,
    stages,
)

MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=5))]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_a_plan_survives_its_json() -> None:
    """A decoded plan equals the one that was encoded, to the byte, with steps of its classes."""
    plan = toy_plan()
    decoded: Plan[ToyWorld] = Plan.decode(plan.encode(), STEPS, "plan.json")
    assert decoded.encode() == plan.encode()
    assert decoded.steps == plan.steps
    assert [type(step) for step in decoded.steps] == [type(step) for step in plan.steps]


def test_the_outline_shows_a_plan_without_its_step_classes() -> None:
    """What is listed needs no code of the steps, and holds every word that was shown."""
    plan = toy_plan()
    outline = PlanOutline.decode(plan.encode(), "plan.json")
    shown = [(step.kind, step.title, step.reason, step.risk) for step in outline.steps]
    assert shown == [(step.kind, step.title, step.reason, step.risk) for step in plan.steps]
    assert outline.summary == plan.summary


def test_a_plan_has_a_step() -> None:
    """Where nothing is to be done there is no plan."""
    with pytest.raises(ValidationError, match="steps"):
        Plan[ToyWorld](**{**dict(toy_plan()), "steps": ()})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run_id": "../../etc"}, "run_id"),
        ({"steps": [{"kind": "unheard-of"}]}, "unheard-of"),
        ({"steps": []}, "steps"),
        ({"steps": 7}, "steps"),
        ({"extra": 1}, "extra"),
        ({"created": "2026-11-21T03:14:15"}, "created"),
        ({"format_version": None}, "format_version"),
    ],
)
def test_a_plan_that_is_none(change: dict[str, object], message: str) -> None:
    """A plan.json that is not as it was written is damaged, and the error says where."""
    data = json.dumps({**json.loads(toy_plan().encode()), **change}).encode()
    with pytest.raises(DamagedInput, match=f"^p.json is no plan: .*{message}"):
        Plan.decode(data, STEPS, "p.json")


@settings(deadline=None)
@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_hostile_bytes_are_damaged_input(data: bytes) -> None:
    """Whatever the bytes, the answer is DamagedInput."""
    with pytest.raises(DamagedInput):
        PlanOutline.decode(data, "plan.json")


def test_deep_nesting_is_damaged_input() -> None:
    """A bomb of brackets does not exhaust the stack."""
    with pytest.raises(DamagedInput):
        Plan.decode(b'{"format_version":1,"steps":' + b"[" * 100_000, STEPS, "plan.json")


def test_a_plan_of_a_later_release_is_refused() -> None:
    """It is not damaged, so the hint names the way."""
    data = json.dumps({**json.loads(toy_plan().encode()), "format_version": 2}).encode()
    with pytest.raises(Refused, match="plan format 2") as caught:
        Plan.decode(data, STEPS, "plan.json")
    assert caught.value.hint == "Use the release of requorum that made the plan."


@settings(deadline=None)
@given(MOMENTS, MOMENTS)
def test_run_ids_sort_by_time(one: datetime, other: datetime) -> None:
    """Ids of different seconds sort as the seconds do, whatever the time zones."""
    ids = [new_run_id(moment, Random(0)) for moment in (one, other)]
    seconds = [moment.astimezone(UTC).replace(microsecond=0) for moment in (one, other)]
    assert (ids[0] < ids[1]) == (seconds[0] < seconds[1])


def test_a_run_id_looks_like_this() -> None:
    """The form is fixed, since users type it; and a plan takes it."""
    run_id = new_run_id(NOW, Random(4))
    assert run_id.startswith("20261121-031415-")
    assert toy_plan(run_id=run_id).run_id == run_id


def test_a_run_id_needs_a_time_zone() -> None:
    """A local time would not sort."""
    with pytest.raises(ValueError, match="zone"):
        new_run_id(NOW.replace(tzinfo=None), Random(0))


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON), st.randoms())
def test_a_fingerprint_does_not_see_the_order_of_keys(
    facts: dict[str, object], random: Random
) -> None:
    """The same facts in another order are the same facts."""
    names = list(facts)
    random.shuffle(names)
    shuffled = {name: facts[name] for name in names}
    assert fingerprint_of(shuffled) == fingerprint_of(facts)  # type: ignore[arg-type] # JSON


@settings(deadline=None)
@given(JSON, JSON)
def test_different_facts_have_different_fingerprints(one: object, other: object) -> None:
    """1, true and "1" differ, as JSON does."""
    same = fingerprint_of(one) == fingerprint_of(other)  # type: ignore[arg-type] # JSON
    assert same == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_what_is_not_a_number_is_no_fact() -> None:
    """NaN does not equal itself, so no plan can rest on it."""
    with pytest.raises(ValueError, match="JSON compliant"):
        fingerprint_of({"raft_index": float("nan")})


def test_the_digest_sees_every_byte() -> None:
    """An approval is for these bytes and no others."""
    encoded = toy_plan().encode()
    assert digest_of(encoded) != digest_of(encoded.replace(b"restored", b"restorec"))


def test_neighbours_with_one_label_run_together() -> None:
    """Only neighbours do; a label that comes again later begins a new stage."""
    labels = ["a", "a", None, None, "a", "b", "b"]
    steps = [write_file("left", together=label) for label in labels]
    assert stages(steps) == ((0, 1), (2,), (3,), (4,), (5, 6))
