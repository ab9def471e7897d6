"""What a preview found, out of the engine's events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.check.preview_events import GUARDED_TYPES, Change, Operation, Violation, read_events, types_of
from model.files.guarded import Guarded
from policies.rules.enforcement import PENDING

KEY = "aws:kms/key:Key"


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:ledger::golden-ami::golden-ami:product:ProductPipeline${kind}::{name}"


def step(operation: str, kind: str = KEY, name: str = "image-key", **further: Any) -> str:
    return json.dumps(
        {"resourcePreEvent": {"metadata": {"op": operation, "type": kind, "urn": urn(kind, name), **further}}}
    )


def policy(name: str, message: str, level: str = "mandatory") -> str:
    event = {"policyName": name, "message": message, "enforcementLevel": level, "resourceUrn": urn(KEY, "image-key")}
    return json.dumps({"policyEvent": event})


def error(message: str, about: str = "") -> str:
    return json.dumps({"diagnosticEvent": {"severity": "error", "message": message, "urn": about}})


@pytest.mark.parametrize("operation", list(Operation))
def test_a_step_is_a_change(operation: Operation) -> None:
    found = read_events("ledger", [step(operation, diffs=["policy"])])
    assert found.changes == (Change(operation, KEY, "image-key", ("policy",)),)
    assert found.of(operation) == found.changes


@pytest.mark.parametrize("operation", ["same", "read", "create-replacement", "delete-replaced", "refresh"])
def test_what_stays_and_the_halves_of_a_replacement_are_none(operation: str) -> None:
    assert read_events("ledger", [step(operation), step("create", "pulumi:providers:aws", "hub")]).changes == ()


def test_what_differs_is_told_by_its_paths_where_there_is_no_list() -> None:
    (change,) = read_events("ledger", [step("update", detailedDiff={"tags.b": {}, "policy": {}})]).changes
    assert change.properties == ("policy", "tags.b")


def test_a_mandatory_finding_is_a_violation_in_its_own_words_and_told_once() -> None:
    said = policy("kms-key-enable-rotation", "<{%reset%}>Every key rotates.\nimage-key: it does not.<{%reset%}>")
    found = read_events("ledger", [said, said, policy("kms-key-enable-rotation", "Rotates.\nno", level="advisory")])
    assert found.violations == (Violation("kms-key-enable-rotation", "image-key", "image-key: it does not."),)


def test_what_waits_and_what_is_waived_is_told_apart() -> None:
    found = read_events(
        "ledger",
        [
            policy(PENDING, "What is counted.\n3 not to be judged before deployment", level="advisory"),
            policy(PENDING, "What is counted.\nwaived: rule of *, until 2027-01-01 by x", level="advisory"),
        ],
    )
    assert found.pending == ("3 not to be judged before deployment",)
    assert found.waived == ("rule of *, until 2027-01-01 by x",)
    assert found.violations == ()


def test_an_error_keeps_the_preview_from_its_end_and_the_last_word_adds_nothing() -> None:
    found = read_events("ledger", [error("error: no subnet"), error("preview failed")])
    assert found.errors == ("error: no subnet",)
    assert found.explains_itself


def test_a_preview_that_fails_without_a_reason_does_not_explain_itself() -> None:
    assert not read_events("ledger", [step("create"), error("preview failed")]).explains_itself


def test_a_guarded_resource_that_the_engine_refuses_to_delete_is_a_deletion() -> None:
    text = "Preview failed: resource cannot be deleted\nbecause it is protected."
    found = read_events("ledger", [error(text, urn(KEY, "image-key"))])
    assert found.changes == (Change(Operation.DELETE, KEY, "image-key", protected=True),)
    assert (found.errors, found.violations) == ((), ())


def test_any_other_protected_resource_is_a_violation() -> None:
    text = "Preview failed: resource cannot be deleted\nbecause it is protected."
    (found,) = read_events("ledger", [error(text, urn("aws:iam/rolePolicy:RolePolicy", "use"))]).violations
    assert (found.rule, found.resource) == ("protected", "use")


def test_a_torn_line_counts_for_nothing() -> None:
    assert len(read_events("ledger", [step("create"), step("update")[:40], "7"]).changes) == 1


def test_each_kind_has_types_and_each_type_ends_by_deletion_and_replacement_only() -> None:
    assert types_of(list(Guarded)) == set(GUARDED_TYPES)
    assert types_of([Guarded.KEYS]) == {kind for kind in GUARDED_TYPES if ":kms/" in kind}
    ends = [operation for operation in Operation if Change(operation, KEY, "image-key").ends]
    assert ends == [Operation.REPLACE, Operation.DELETE]
