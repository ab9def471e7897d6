"""Grants of keys, on a KMS in memory that knows grants as the real one does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.provider.requests import Provider

GRANT = "urn:pulumi:dev::golden-ami::aws:kms/grant:Grant::launches"
FOREIGN_KEY = "arn:aws:kms:us-east-1:222222222222:key/k-1"
ROLE = "arn:aws:iam::111111111111:role/launcher"
INPUTS: Mapping[str, Any] = {
    "keyId": FOREIGN_KEY,
    "granteePrincipal": ROLE,
    "operations": ["Decrypt", "CreateGrant"],
    "name": "launches",
}


class FakeGrants:
    """The grants of every key, told one to a page."""

    def __init__(self, sessions: Any, refusal: Callable[..., ClientError]) -> None:
        self.grants: list[dict[str, Any]] = []
        self._refusal = refusal
        self._numbers = itertools.count(1)
        sessions.operations.update(
            CreateGrant=self.create, ListGrants=self.list, RevokeGrant=self.remove, RetireGrant=self.remove
        )

    def create(self, **parameters: Any) -> dict[str, Any]:
        grant = {name: value for name, value in parameters.items() if name != "GrantTokens"}
        grant["Operations"] = sorted(grant["Operations"])
        self.grants.append({**grant, "GrantId": f"g-{next(self._numbers)}"})
        return {"GrantId": self.grants[-1]["GrantId"], "GrantToken": "told-once"}

    def list(self, **parameters: Any) -> dict[str, Any]:
        place = int(parameters.get("Marker", 0))
        more = place + 1 < len(self.grants)
        page = {"Grants": self.grants[place : place + 1], "Truncated": more}
        return {**page, "NextMarker": str(place + 1)} if more else page

    def remove(self, **parameters: Any) -> None:
        found = [grant for grant in self.grants if grant["GrantId"] == parameters["GrantId"]]
        if not found:
            raise self._refusal("NotFoundException", "no such grant")
        self.grants.remove(found[0])


@pytest.fixture
def grants(sessions: Any, refusal: Callable[..., ClientError]) -> FakeGrants:
    return FakeGrants(sessions, refusal)


def test_a_grant_on_another_accounts_key_names_the_key_by_its_arn(
    provider: Provider, sessions: Any, grants: FakeGrants
) -> None:
    resource_id, outputs = provider.create(GRANT, INPUTS, preview=False)
    assert resource_id == f"{FOREIGN_KEY}:g-1"
    assert [call["KeyId"] for call in sessions.called("CreateGrant")] == [FOREIGN_KEY]
    assert {call["KeyId"] for call in sessions.called("ListGrants")} == {FOREIGN_KEY}
    assert (outputs["grantId"], outputs["grantToken"], outputs["keyId"]) == ("g-1", "told-once", FOREIGN_KEY)


def test_the_token_that_is_told_once_stays_known(provider: Provider, grants: FakeGrants) -> None:
    resource_id, state = provider.create(GRANT, INPUTS, preview=False)
    _, read, _ = provider.read(GRANT, resource_id, state, INPUTS)
    assert read["grantToken"] == "told-once"
    assert not provider.diff(GRANT, INPUTS, read, INPUTS, ()).kinds


def test_a_grant_is_found_behind_others(provider: Provider, grants: FakeGrants) -> None:
    provider.create(GRANT, {**INPUTS, "name": "before"}, preview=False)
    resource_id, state = provider.create(GRANT, INPUTS, preview=False)
    assert provider.read(GRANT, resource_id, state, INPUTS)[1]["grantId"] == "g-2"


def test_the_order_of_operations_means_nothing(provider: Provider, grants: FakeGrants) -> None:
    _, state = provider.create(GRANT, INPUTS, preview=False)
    turned = {**INPUTS, "operations": ["CreateGrant", "Decrypt"]}
    assert not provider.diff(GRANT, turned, state, INPUTS, ()).kinds


def test_constraints_are_one_object_for_kms_and_a_list_in_the_state(
    provider: Provider, sessions: Any, grants: FakeGrants
) -> None:
    inputs = {**INPUTS, "constraints": [{"encryptionContextSubset": {"aws:ebs:id": "vol-1"}}]}
    _, state = provider.create(GRANT, inputs, preview=False)
    assert sessions.called("CreateGrant")[0]["Constraints"] == {"EncryptionContextSubset": {"aws:ebs:id": "vol-1"}}
    assert state["constraints"] == inputs["constraints"]


def test_no_constraints_are_left_out(provider: Provider, sessions: Any, grants: FakeGrants) -> None:
    provider.create(GRANT, {**INPUTS, "constraints": []}, preview=False)
    assert "Constraints" not in sessions.called("CreateGrant")[0]


def test_more_constraints_than_a_grant_takes_are_refused_by_name(provider: Provider) -> None:
    constraint = {"encryptionContextSubset": {"a": "b"}}
    _, faults = provider.check(GRANT, b"seed", {**INPUTS, "constraints": [constraint, constraint]}, {})
    assert ["constraints must be an object" in fault.reason for fault in faults] == [True]


@pytest.mark.parametrize(
    "change",
    [
        {"granteePrincipal": "arn:aws:iam::111111111111:role/other"},
        {"operations": ["Decrypt"]},
        {"constraints": [{"encryptionContextEquals": {"a": "b"}}]},
        {"retiringPrincipal": ROLE},
        {"name": "other"},
    ],
)
def test_every_change_makes_a_new_grant_before_the_old_one_goes(
    provider: Provider, grants: FakeGrants, change: Mapping[str, Any]
) -> None:
    _, state = provider.create(GRANT, INPUTS, preview=False)
    found = provider.diff(GRANT, {**INPUTS, **change}, state, INPUTS, ())
    assert found.replaces == set(change)
    assert not found.delete_first


def test_what_would_meet_the_same_grant_goes_first(provider: Provider, grants: FakeGrants) -> None:
    _, state = provider.create(GRANT, INPUTS, preview=False)
    found = provider.diff(GRANT, {**INPUTS, "retireOnDelete": True}, state, INPUTS, ())
    assert found.replaces == {"retireOnDelete"}
    assert found.delete_first


def test_a_deleted_grant_is_revoked(provider: Provider, sessions: Any, grants: FakeGrants) -> None:
    resource_id, state = provider.create(GRANT, INPUTS, preview=False)
    provider.delete(GRANT, resource_id, state, INPUTS)
    assert grants.grants == []
    assert sessions.called("RevokeGrant") == [{"KeyId": FOREIGN_KEY, "GrantId": "g-1"}]
    provider.delete(GRANT, resource_id, state, INPUTS)


def test_a_grant_that_is_to_be_retired_is_retired_by_its_keys_arn(
    provider: Provider, sessions: Any, grants: FakeGrants
) -> None:
    inputs = {**INPUTS, "keyId": "k-1", "retireOnDelete": True}
    resource_id, state = provider.create(GRANT, inputs, preview=False)
    provider.delete(GRANT, resource_id, state, inputs)
    arn = "arn:aws:kms:us-east-1:111111111111:key/k-1"
    assert sessions.called("RetireGrant") == [{"KeyId": arn, "GrantId": "g-1"}]


def test_a_revoked_grant_is_gone(provider: Provider, grants: FakeGrants) -> None:
    resource_id, state = provider.create(GRANT, INPUTS, preview=False)
    grants.grants.clear()
    assert provider.read(GRANT, resource_id, state, INPUTS) == ("", {}, {})


def test_an_imported_grant_is_read_by_key_and_grant(provider: Provider, grants: FakeGrants) -> None:
    resource_id, _ = provider.create(GRANT, INPUTS, preview=False)
    _, state, inputs = provider.read(GRANT, resource_id, {}, {})
    assert (inputs["keyId"], inputs["granteePrincipal"], inputs["name"]) == (FOREIGN_KEY, ROLE, "launches")
    assert not provider.diff(GRANT, inputs, state, inputs, ()).kinds


def test_a_role_that_kms_does_not_know_yet_is_waited_for(
    provider: Provider, sessions: Any, grants: FakeGrants, refusal: Callable[..., ClientError]
) -> None:
    refusals = [refusal("InvalidArnException", f"ARN does not refer to a valid principal: {ROLE}")]

    def create(**parameters: Any) -> dict[str, Any]:
        if refusals:
            raise refusals.pop()
        return grants.create(**parameters)

    sessions.operations["CreateGrant"] = create
    assert provider.create(GRANT, INPUTS, preview=False)[0] == f"{FOREIGN_KEY}:g-1"
