"""What may go, over all that an account can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.functions.retention import (
    Ami,
    Holding,
    ImageResource,
    Kept,
    Place,
    Rules,
    Snapshot,
    expired_amis,
    expired_resources,
    expired_snapshots,
    kept,
    newest_first,
    protected,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PLACES = (Place("111111111111", "us-east-1"), Place("222222222222", "us-east-1"), Place("222222222222", "eu-west-1"))
HOME = PLACES[0]


def days(count: float) -> datetime:
    """So many days ago."""
    return NOW - timedelta(days=count)


def resource_arn(number: int) -> str:
    return f"arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-web/1.0.0/{number}"


ages = st.floats(min_value=0, max_value=400)
rules = st.builds(
    Rules,
    after_days=st.integers(1, 200),
    keep_newest=st.integers(1, 10),
    unused_days=st.none() | st.integers(1, 365),
)


@st.composite
def holdings(draw: st.DrawFn, place: Place = HOME) -> Holding:
    amis = tuple(
        Ami(
            id=f"ami-{place.account}-{place.region}-{number}",
            created=days(draw(ages)),
            snapshots=tuple(f"snap-{number}-{index}" for index in range(draw(st.integers(0, 2)))),
            launched=draw(st.none() | ages.map(days)),
            image_arn=draw(st.none() | st.integers(0, 5).map(resource_arn)),
        )
        for number in range(draw(st.integers(0, 14)))
    )
    snapshots = tuple(Snapshot(f"snap-{number}-{index}", days(draw(ages))) for number in range(6) for index in (0, 1))
    ids = [ami.id for ami in amis]
    return Holding(
        place=place,
        amis=amis,
        snapshots=snapshots,
        named=frozenset(draw(st.sets(st.sampled_from([*ids, "ami-elsewhere"])))),
        used=frozenset(draw(st.sets(st.sampled_from([*ids, *(each.id for each in snapshots)])))),
        imaged=frozenset(snapshot for ami in amis for snapshot in ami.snapshots),
    )


@given(holdings(), rules)
def test_an_ami_goes_where_nothing_at_all_speaks_for_it_and_only_then(holding: Holding, given_rules: Rules) -> None:
    expired = {ami.id for ami in expired_amis(holding, given_rules, NOW)}
    newest = [ami.id for ami in newest_first(holding.amis)][: given_rules.keep_newest]
    for ami in holding.amis:
        launched_since = (
            given_rules.unused_days is not None
            and ami.launched is not None
            and NOW - ami.launched < timedelta(days=given_rules.unused_days)
        )
        spoken_for = (
            ami.id in holding.named
            or ami.id in holding.used
            or bool(set(ami.snapshots) & holding.used)
            or ami.id in newest
            or NOW - ami.created < timedelta(days=given_rules.after_days)
            or launched_since
        )
        assert (ami.id in expired) is not spoken_for


@given(holdings(), rules)
def test_after_a_sweep_there_is_nothing_more_to_sweep(holding: Holding, given_rules: Rules) -> None:
    gone = {ami.id for ami in expired_amis(holding, given_rules, NOW)}
    left = tuple(ami for ami in holding.amis if ami.id not in gone)
    assert expired_amis(Holding(HOME, left, (), holding.named, holding.used), given_rules, NOW) == []


@given(holdings(), rules, st.integers(0, 400))
def test_what_may_go_today_may_still_go_later(holding: Holding, given_rules: Rules, later: int) -> None:
    today = {ami.id for ami in expired_amis(holding, given_rules, NOW)}
    assert today <= {ami.id for ami in expired_amis(holding, given_rules, NOW + timedelta(days=later))}


@given(holdings(), rules)
def test_a_snapshot_goes_when_it_is_old_and_no_ami_or_template_has_it(holding: Holding, given_rules: Rules) -> None:
    expired = {snapshot.id for snapshot in expired_snapshots(holding, given_rules, NOW)}
    for snapshot in holding.snapshots:
        old = NOW - snapshot.created >= timedelta(days=given_rules.after_days)
        assert (snapshot.id in expired) is (old and snapshot.id not in holding.imaged | holding.used)


@given(holdings(), rules)
def test_what_a_lifecycle_policy_is_told_of_stays_and_is_not_young_or_named_alone(
    holding: Holding, given_rules: Rules
) -> None:
    reasons = kept(holding, given_rules, NOW)
    assert protected(holding, given_rules, NOW) == {
        ami for ami, reason in reasons.items() if reason in {Kept.USED, Kept.NEWEST}
    }


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[ImageResource], dict[Place, Holding]]:
    """Image resources and the places that could be read; the others hold what nobody knows."""
    found = {place: draw(holdings(place)) for place in PLACES}
    known = draw(st.sets(st.sampled_from(PLACES)))
    outputs = [(place, ami.id) for place, holding in found.items() for ami in holding.amis]
    outputs += [(place, "ami-gone") for place in PLACES]
    resources = [
        ImageResource(
            arn=resource_arn(number),
            created=days(draw(ages)),
            ended=draw(st.booleans()),
            available=draw(st.booleans()),
            amis=tuple(draw(st.lists(st.sampled_from(outputs), max_size=3))),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    return resources, {place: found[place] for place in known}


@given(worlds(), rules)
def test_an_image_resource_goes_after_all_its_amis_and_never_where_one_may_be_that_nobody_could_see(
    world: tuple[list[ImageResource], dict[Place, Holding]], given_rules: Rules
) -> None:
    resources, known = world
    there = {(place, ami.id) for place, holding in known.items() for ami in holding.amis}
    made_for = {ami.image_arn for holding in known.values() for ami in holding.amis}
    ordered = sorted(resources, key=lambda each: (each.created, each.arn), reverse=True)
    newest = [each for each in ordered if each.available][: given_rules.keep_newest]
    for resource in expired_resources(resources, known, given_rules, NOW):
        assert resource.ended
        assert resource is not ordered[0]
        assert resource not in newest
        assert NOW - resource.created >= timedelta(days=given_rules.after_days)
        assert HOME in known
        assert resource.arn not in made_for
        for place, ami in resource.amis:
            assert place in known
            assert (place, ami) not in there


def test_an_old_image_resource_without_amis_goes() -> None:
    resources = [
        ImageResource(resource_arn(1), days(100), ended=True, available=True, amis=((PLACES[1], "ami-1"),)),
        ImageResource(resource_arn(2), days(99), ended=True, available=False),
        ImageResource(resource_arn(3), days(98), ended=True, available=True),
        ImageResource(resource_arn(4), days(1), ended=False, available=False),
    ]
    known = {place: Holding(place) for place in PLACES}
    found = expired_resources(resources, known, Rules(after_days=90, keep_newest=1), NOW)
    assert [each.arn for each in found] == [resource_arn(1), resource_arn(2)]


@pytest.mark.parametrize("unread", PLACES)
def test_an_image_resource_stays_while_a_place_of_its_amis_or_its_build_could_not_be_read(unread: Place) -> None:
    resources = [
        ImageResource(
            resource_arn(1), days(100), ended=True, available=True, amis=((PLACES[1], "1"), (PLACES[2], "2"))
        ),
        ImageResource(resource_arn(2), days(1), ended=True, available=True),
    ]
    known = {place: Holding(place) for place in PLACES}
    assert expired_resources(resources, known, Rules(90, 1), NOW) == resources[:1]
    del known[unread]
    assert expired_resources(resources, known, Rules(90, 1), NOW) == []


@pytest.mark.parametrize("available", [True, False])
def test_the_newest_image_resource_stays_however_it_ended(available: bool) -> None:
    resources = [
        ImageResource(resource_arn(1), days(300), ended=True, available=True),
        ImageResource(resource_arn(2), days(200), ended=True, available=True),
        ImageResource(resource_arn(3), days(100), ended=True, available=available),
    ]
    found = expired_resources(resources, {HOME: Holding(HOME)}, Rules(90, 1), NOW)
    assert [each.arn for each in found] == [resource_arn(1), *([resource_arn(2)] if available else [])]


@pytest.mark.parametrize(
    ("ami", "named", "used", "reason"),
    [
        (Ami("ami-1", days(100)), {"ami-1"}, set[str](), Kept.NAMED),
        (Ami("ami-1", days(100)), set[str](), {"ami-1"}, Kept.USED),
        (Ami("ami-1", days(100), ("snap-1",)), set[str](), {"snap-1"}, Kept.USED),
        (Ami("ami-1", days(89)), set[str](), set[str](), Kept.YOUNG),
        (Ami("ami-1", days(100), launched=days(29)), set[str](), set[str](), Kept.LAUNCHED),
        (Ami("ami-1", days(100), launched=days(30)), set[str](), set[str](), None),
        (Ami("ami-1", days(90)), set[str](), set[str](), None),
    ],
)
def test_an_ami_stays_for_a_reason(ami: Ami, named: set[str], used: set[str], reason: Kept | None) -> None:
    newer = Ami("ami-0", days(1))
    holding = Holding(HOME, (newer, ami), (), frozenset(named), frozenset(used))
    found = kept(holding, Rules(after_days=90, keep_newest=1, unused_days=30), NOW)
    assert found == {"ami-0": Kept.NEWEST, **({"ami-1": reason} if reason else {})}


def test_rules_survive_the_functions_environment() -> None:
    for given_rules in (Rules(90, 3), Rules(1, 10, 365)):
        assert Rules.from_json(given_rules.json()) == given_rules
