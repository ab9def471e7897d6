"""Values that mean the same are the same, and others are not."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.provider.difference import CASELESS, JSON, POLICY, SET, Comparison
from local.provider.values import UNKNOWN, Secret

COMPARISON = Comparison(
    {"policy": POLICY, "redrive": JSON, "groups": SET, "name": CASELESS}, frozenset({"settings.computed"})
)

actions = st.lists(
    st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:List*", "kms:Decrypt"]), min_size=1, unique=True
)
accounts = st.sampled_from(["111111111111", "222222222222", "333333333333"])


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        "Action": draw(actions),
        "Resource": draw(st.lists(st.sampled_from(["*", "arn:aws:s3:::a", "arn:aws:s3:::b"]), min_size=1, unique=True)),
        "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in draw(st.sets(accounts, min_size=1))]},
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": draw(st.lists(st.text("ab", min_size=1), min_size=1))}},
    }


def retold(statement: dict[str, Any], seed: int) -> dict[str, Any]:
    """The same statement in other words: shuffled, one text for a list of one, account ids for roots."""
    shuffle = random.Random(seed)

    def words(values: list[str]) -> Any:
        mixed = [value.removeprefix("arn:aws:iam::").removesuffix(":root") for value in values]
        shuffle.shuffle(mixed)
        return mixed[0] if len(mixed) == 1 else mixed

    members = [
        ("Effect", statement["Effect"]),
        ("Action", words(statement["Action"])),
        ("Resource", words(statement["Resource"])),
        ("Principal", {"AWS": words(statement["Principal"]["AWS"])}),
        ("Condition", statement["Condition"]),
    ]
    shuffle.shuffle(members)
    return dict(members)


@given(st.lists(statements(), min_size=1, max_size=3), st.integers())
def test_a_policy_is_the_same_however_it_is_written(policy: list[dict[str, Any]], seed: int) -> None:
    written = json.dumps({"Version": "2012-10-17", "Statement": policy})
    told = [retold(statement, seed) for statement in policy]
    random.Random(seed).shuffle(told)
    answered = json.dumps({"Statement": told, "Version": "2012-10-17"}, indent=2)
    assert COMPARISON.same(written, answered, "policy")


@given(statements(), actions)
def test_a_policy_with_other_actions_is_another(statement: dict[str, Any], others: list[str]) -> None:
    changed = {**statement, "Action": others}
    same = COMPARISON.same(json.dumps({"Statement": [statement]}), json.dumps({"Statement": [changed]}), "policy")
    assert same == (set(others) == set(statement["Action"]))


@given(st.lists(st.integers()), st.randoms())
def test_order_counts_in_lists_and_not_in_sets(items: list[int], shuffle: random.Random) -> None:
    mixed = list(items)
    shuffle.shuffle(mixed)
    assert COMPARISON.same(items, mixed, "groups")
    assert COMPARISON.same(items, mixed, "steps") == (items == mixed)


@pytest.mark.parametrize(
    ("desired", "actual", "path"),
    [
        ("true", True, "x"),
        (8, "8", "x"),
        (None, "", "x"),
        ({}, None, "x"),
        (False, None, "x"),
        ('{"maxReceiveCount":5}', '{"maxReceiveCount":"5"}', "redrive"),
        ("Alpha", "alpha", "name"),
        (Secret("a"), "a", "x"),
        ({"given": 1}, {"given": 1, "computed": 2}, "settings"),
        (UNKNOWN, UNKNOWN, "x"),
    ],
)
def test_these_are_the_same(desired: Any, actual: Any, path: str) -> None:
    assert COMPARISON.same(desired, actual, path)


@pytest.mark.parametrize(
    ("desired", "actual", "path"),
    [
        ("true", False, "x"),
        ("Alpha", "alpha", "x"),
        ({"given": 1}, {"given": 1, "more": 2}, "settings"),
        ({"given": 1, "computed": 3}, {"given": 1, "computed": 2}, "settings"),
        ([1, 1], [1, 2], "groups"),
        ([1], [1, 1], "groups"),
        (UNKNOWN, "a", "x"),
        ("a", None, "x"),
    ],
)
def test_these_differ(desired: Any, actual: Any, path: str) -> None:
    assert not COMPARISON.same(desired, actual, path)


def test_what_means_the_same_keeps_the_programs_words() -> None:
    known = {"policy": '{"Statement": [{"Action": "a:b"}]}', "size": 3}
    read = {"policy": '{"Statement":[{"Action":["a:b"]}]}', "size": 4}
    assert COMPARISON.settled(read, known) == {"policy": known["policy"], "size": 4}
