"""Managed policies on roles: who may attach which."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.cloud.served_cloud import HUB, Role, ServedCloud, refusal, serving, statement

BUILDER = "arn:aws:iam::aws:policy/EC2InstanceProfileForImageBuilder"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


@pytest.fixture(params=["attach", "detach"])
def change(cloud: ServedCloud, request: pytest.FixtureRequest) -> Any:
    """Attaches or detaches a policy as somebody; the action's name is its attribute."""

    def run(who: Role, role: str, policy: str) -> None:
        client = cloud.client("iam", who)
        if request.param == "attach":
            client.attach_role_policy(RoleName=role, PolicyArn=policy)
        else:
            client.detach_role_policy(RoleName=role, PolicyArn=policy)

    run.action = f"iam:{request.param.title()}RolePolicy"  # type: ignore[attr-defined]
    return run


def attached(cloud: ServedCloud, role: Role) -> set[str]:
    found = cloud.client("iam").list_attached_role_policies(RoleName=role.name)["AttachedPolicies"]
    return {policy["PolicyArn"] for policy in found}


def prepared(cloud: ServedCloud, change: Any, **more: Any) -> Role:
    """A role that has both policies where they are to be detached."""
    role = cloud.role(HUB, **more)
    if "Detach" in change.action:
        for policy in (BUILDER, ADMINISTRATOR):
            cloud.client("iam").attach_role_policy(RoleName=role.name, PolicyArn=policy)
    return role


@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike", "StringEquals"])
def test_only_the_policies_that_the_condition_names_may_be_changed(
    cloud: ServedCloud, change: Any, operator: str
) -> None:
    only = {operator: {"iam:PolicyARN": BUILDER}}
    who = cloud.role(HUB, statement(change.action, Condition=only))
    role = prepared(cloud, change)
    before = attached(cloud, role)
    code, message = refusal(lambda: change(who, role.name, ADMINISTRATOR))
    assert code == "AccessDenied"
    assert f"{who.session} is not authorized to perform: {change.action} on resource: {role.arn} " in message
    assert attached(cloud, role) == before
    change(who, role.name, BUILDER)
    assert attached(cloud, role) ^ before == {BUILDER}


def test_a_deny_by_policy_arn_refuses(cloud: ServedCloud, change: Any) -> None:
    deny = {"Effect": "Deny", "Action": change.action, "Resource": "*",
            "Condition": {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/Admin*"}}}  # fmt: skip
    who = cloud.role(HUB, statement("iam:*"), deny)
    role = prepared(cloud, change)
    code, message = refusal(lambda: change(who, role.name, ADMINISTRATOR))
    assert code == "AccessDenied"
    assert message.endswith("with an explicit deny in an identity-based policy")
    change(who, role.name, BUILDER)


def test_the_role_s_arn_holds_its_path(cloud: ServedCloud, change: Any) -> None:
    role, other = (prepared(cloud, change, path=path) for path in ("/application/", "/"))
    who = cloud.role(HUB, statement(change.action, f"arn:aws:iam::{HUB}:role/application/*"))
    change(who, role.name, BUILDER)
    code, message = refusal(lambda: change(who, other.name, BUILDER))
    assert (code, other.arn in message) == ("AccessDenied", True)


def test_a_missing_role_is_told_only_to_who_may_change_it(cloud: ServedCloud, change: Any) -> None:
    who, nobody = cloud.role(HUB, statement(change.action)), cloud.role(HUB)
    assert refusal(lambda: change(who, "missing", BUILDER))[0] == "NoSuchEntity"
    assert refusal(lambda: change(nobody, "missing", BUILDER))[0] == "AccessDenied"


def test_a_policy_that_does_not_exist_is_not_attached(cloud: ServedCloud) -> None:
    role = cloud.role(HUB)
    for policy in ("arn:aws:iam::aws:policy/NoSuchPolicy", f"arn:aws:iam::{HUB}:policy/none"):
        call = {"RoleName": role.name, "PolicyArn": policy}
        assert refusal(lambda: cloud.client("iam").attach_role_policy(**call))[0] == "NoSuchEntity"  # noqa: B023
    assert attached(cloud, role) == set()
