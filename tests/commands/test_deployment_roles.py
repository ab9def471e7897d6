"""Deployment roles: every account's, from the files."""

from pathlib import Path

from commands.deployment_roles import deployment_roles

PROJECT = Path(__file__).parent.parent.parent
INLINE_POLICY_MAXIMUM = 10_240


def test_each_account_gets_a_role_that_trusts_the_hub_and_fits_awss_limit() -> None:
    roles = list(deployment_roles(PROJECT))
    assert [role.account for role in roles] == ["111111111111", "222222222222", "333333333333"]
    for role in roles:
        assert role.trust.as_dict()["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
        assert len(role.permissions.json()) <= INLINE_POLICY_MAXIMUM


def test_a_target_names_its_own_consumer_roles_only() -> None:
    text = {role.account: role.permissions.json() for role in deployment_roles(PROJECT)}
    assert "role/ledger-instances" in text["222222222222"]
    assert "ledger-runtime" not in text["222222222222"]
    assert "role/application/ledger-runtime" in text["333333333333"]


def test_nothing_is_written_to_all_resources_but_what_has_no_resource_level() -> None:
    for role in deployment_roles(PROJECT):
        for statement in role.permissions.statements:
            if statement.resources == ("*",):
                assert statement.sid in {
                    "CreateKeys",
                    "FindAlarms",
                    "FindVersions",
                    "ManageSubscriptions",
                    "ReadImages",
                    "ReadNetwork",
                }
