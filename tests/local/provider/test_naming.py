"""Names that are left out are made once, and kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from local.provider.naming import DEFAULTS, AutoName, generate, with_name

URN = "urn:pulumi:dev::golden-ami::aws:sqs/queue:Queue::Letters"


def test_a_name_is_the_resources_own_with_seven_hex_digits() -> None:
    named = with_name(AutoName(), URN, b"seed", {}, {})
    stem, _, digits = named["name"].rpartition("-")
    assert stem == "Letters"
    assert len(digits) == 7
    assert int(digits, 16) >= 0
    assert named[DEFAULTS] == ["name"]


def test_preview_and_update_agree_because_the_seed_decides() -> None:
    assert generate(AutoName(), URN, b"one") == generate(AutoName(), URN, b"one")
    assert generate(AutoName(), URN, b"one") != generate(AutoName(), URN, b"two")


def test_a_chosen_name_is_kept_whatever_the_seed() -> None:
    first = with_name(AutoName(), URN, b"one", {}, {})
    assert with_name(AutoName(), URN, b"two", {}, first)["name"] == first["name"]


def test_a_name_that_the_program_takes_back_is_chosen_anew() -> None:
    olds = {"name": "mine", DEFAULTS: []}
    assert with_name(AutoName(), URN, b"one", {}, olds)["name"].startswith("Letters-")


def test_a_name_of_the_program_is_left_alone() -> None:
    assert with_name(AutoName(), URN, b"one", {"name": "mine"}, {}) == {"name": "mine", DEFAULTS: []}


def test_a_prefix_stands_in_for_the_resources_name() -> None:
    assert with_name(AutoName(), URN, b"one", {"namePrefix": "p-"}, {})["name"].startswith("p-")


def test_a_bucket_is_named_in_lower_case_and_a_fifo_queue_by_its_suffix() -> None:
    bucket = AutoName("bucket", maximum=56, lower=True, prefix_property=None)
    assert with_name(bucket, URN, b"one", {}, {})["bucket"].startswith("letters-")
    assert with_name(AutoName(suffix=".fifo"), URN, b"one", {"fifoQueue": True}, {})["name"].endswith(".fifo")


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=200), st.integers(20, 128), st.binary())
def test_a_name_is_never_too_long(name: str, maximum: int, seed: bytes) -> None:
    rule = AutoName(maximum=maximum)
    assert len(generate(rule, f"urn:pulumi:dev::p::t::{name}", seed)) <= maximum
