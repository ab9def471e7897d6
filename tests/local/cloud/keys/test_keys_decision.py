"""Decisions on keys under generated policies, by the rules of AWS and beside those of ministack itself."""

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local.cloud.served_cloud import HUB, TARGET, Role, ServedCloud, document, root_of

OURS, THEIRS = "kms:DescribeKey", "kms:ListKeyPolicies"
"""Two actions on a key: the first is decided here, the second by ministack, in the key's account only."""

Statement = dict[str, Any]
FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Piece:
    """A part of a statement, and whether it fits the call that is made."""

    fits: bool
    value: Any


def one_of(*pieces: tuple[bool, Any]) -> "st.SearchStrategy[Piece]":
    return st.sampled_from([Piece(fits, value) for fits, value in pieces])


def names(account: str) -> "st.SearchStrategy[Piece]":
    """Conditions on the caller; `{role}` and `{other}` are filled in with ARNs."""
    wrong = TARGET if account == HUB else HUB
    return one_of(
        (True, None),
        (True, {"ArnEquals": {"aws:PrincipalArn": "{role}"}}),
        (False, {"ArnEquals": {"aws:PrincipalArn": "{other}"}}),
        (False, {"ArnLike": {"aws:PrincipalArn": "{session}"}}),
        (True, {"ArnNotLike": {"aws:PrincipalArn": "{other}"}}),
        (True, {"StringEquals": {"aws:PrincipalAccount": account}}),
        (False, {"StringEquals": {"aws:PrincipalAccount": wrong}}),
        (True, {"Bool": {"aws:SecureTransport": "true"}}),
        (False, {"StringEquals": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}),
        (True, {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        (True, {"StringNotEqualsIfExists": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}),
    )


ACTIONS = one_of(
    (True, [OURS, THEIRS]),
    (True, ["kms:*"]),
    (True, ["kms:[DL]*", "kms:Describe*", "kms:List*"]),
    (False, ["kms:Decrypt"]),
    (False, ["ec2:*"]),
)
RESOURCES = one_of(
    (True, "*"),
    (True, "{key}"),
    (True, f"arn:aws:kms:*:{HUB}:key/*"),
    (False, f"arn:aws:kms:us-east-1:{TARGET}:key/*"),
    (False, f"arn:aws:kms:eu-west-1:{HUB}:key/*"),
)
EFFECTS = st.sampled_from(["Allow", "Allow", "Allow", "Deny"])


@dataclass(frozen=True)
class Stated:
    """A statement, whether it fits the call, and whether its principal names the caller itself."""

    fits: bool
    effect: str
    names_caller: bool
    text: Statement


def principals(account: str) -> "st.SearchStrategy[tuple[Piece, bool]]":
    wrong = TARGET if account == HUB else HUB
    return st.sampled_from([
        (Piece(True, root_of(account)), False),
        (Piece(True, {"AWS": account}), False),
        (Piece(True, {"AWS": [root_of(wrong)["AWS"], "{role}"]}), True),
        (Piece(True, "*"), True),
        (Piece(False, root_of(wrong)), False),
        (Piece(False, {"AWS": "{other}"}), False),
        (Piece(False, {"Service": "ec2.amazonaws.com"}), False),
    ])  # fmt: skip


@st.composite
def statements(draw: Any, account: str, with_principal: bool) -> Stated:
    action, condition, effect = draw(ACTIONS), draw(names(account)), draw(EFFECTS)
    text: Statement = {"Effect": effect, "Action": action.value}
    fits, names_caller = action.fits and condition.fits, False
    if condition.value:
        text["Condition"] = condition.value
    if with_principal:
        text["Resource"] = "*"
        principal, names_caller = draw(principals(account))
        text["Principal"] = principal.value
        fits = fits and principal.fits
    else:
        resource = draw(RESOURCES)
        text["Resource"] = resource.value
        fits = fits and resource.fits
    return Stated(fits, effect, names_caller, text)


def documents(account: str, with_principal: bool) -> "st.SearchStrategy[list[Stated]]":
    return st.lists(statements(account, with_principal), min_size=1, max_size=3)


def filled(stated: list[Stated], **names: str) -> str:
    text = document(*(each.text for each in stated))
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


def decision(stated: list[Stated]) -> str:
    effects = {each.effect for each in stated if each.fits}
    return "Deny" if "Deny" in effects else "Allow" if effects else "None"


@dataclass
class Callers:
    cloud: ServedCloud
    role: Role
    other: Role

    def put(self, account: str, of_key: list[Stated], of_role: list[Stated]) -> str:
        """A new key under a policy, the caller's own policy replaced; returns the key's ARN."""
        names = {"role": self.role.arn, "other": self.other.arn, "session": self.role.session}
        made = self.cloud.client("kms").create_key(
            Policy=filled(of_key, key="", **names), BypassPolicyLockoutSafetyCheck=True
        )
        key: str = made["KeyMetadata"]["Arn"]
        policy = filled(of_role, key=key, **names)
        iam = self.cloud.client("iam", account)
        iam.put_role_policy(RoleName=self.role.name, PolicyName="inline", PolicyDocument=policy)
        return key

    def describes(self, key: str) -> bool:
        return _succeeds(lambda: self.cloud.client("kms", self.role).describe_key(KeyId=key))

    def lists(self, key: str) -> bool:
        return _succeeds(lambda: self.cloud.client("kms", self.role).list_key_policies(KeyId=key))


def _succeeds(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        response: Any = error.response
        assert response["Error"]["Code"] == "AccessDeniedException", response
        return False
    return True


@pytest.fixture(scope="module", params=["/", "/application/"])
def foreign(cloud: ServedCloud, request: pytest.FixtureRequest) -> Callers:
    return Callers(cloud, *(cloud.role(TARGET, path=request.param) for _ in range(2)))


@pytest.fixture(scope="module", params=["/", "/application/"])
def local(cloud: ServedCloud, request: pytest.FixtureRequest) -> Callers:
    return Callers(cloud, *(cloud.role(HUB, path=request.param) for _ in range(2)))


@FEW
@given(of_key=documents(TARGET, True), of_role=documents(TARGET, False))
def test_a_foreign_caller_needs_an_allow_on_both_sides_and_a_deny_on_none(
    foreign: Callers, of_key: list[Stated], of_role: list[Stated]
) -> None:
    key = foreign.put(TARGET, of_key, of_role)
    assert foreign.describes(key) == (decision(of_key) == decision(of_role) == "Allow")


@FEW
@given(of_key=documents(HUB, True), of_role=documents(HUB, False))
def test_a_caller_of_the_key_s_account_needs_the_key_s_allow_by_name_or_both(
    local: Callers, of_key: list[Stated], of_role: list[Stated]
) -> None:
    key = local.put(HUB, of_key, of_role)
    by_name = any(each.fits and each.effect == "Allow" and each.names_caller for each in of_key)
    by_key, by_role = decision(of_key), decision(of_role)
    expected = by_key == "Allow" and by_role != "Deny" and (by_name or by_role == "Allow")
    assert local.describes(key) == expected


@FEW
@given(of_key=documents(HUB, True), of_role=documents(HUB, False))
def test_within_an_account_the_decision_is_ministack_s(
    local: Callers, of_key: list[Stated], of_role: list[Stated]
) -> None:
    key = local.put(HUB, of_key, of_role)
    assert local.describes(key) == local.lists(key)
