from __future__ import annotations

from dataclasses import replace

import pytest

from local.account_setup import existing_roles
from local.environment import REPOSITORY
from local.people import application_operator, platform_engineer, product_engineer
from local.stack_files import StackFiles
from model.documents import PolicyDocument
from model.files.infrastructure import InstanceProfile


@pytest.fixture(scope="module")
def files() -> StackFiles:
    return StackFiles.read(REPOSITORY)


def test_every_account_of_the_landing_zone_has_its_deployment_role_before_anybody_deploys(files: StackFiles) -> None:
    zone = files.landing_zone
    made = {(role.account, role.role) for role in existing_roles(files)}
    for target in (zone.hub, *zone.targets.values()):
        assert (target.account, target.deployment_role) in made


def test_roles_that_the_program_creates_are_not_there_before(files: StackFiles) -> None:
    made = {(role.account, role.role) for role in existing_roles(files)}
    consumers = [consumer for plan in files.plans.values() for consumer in plan.consumers]
    assert {consumer.create for consumer in consumers} == {True, False}
    for consumer in consumers:
        assert ((consumer.account, consumer.role) in made) is not consumer.create


def test_an_existing_role_does_not_know_the_image_key_yet(files: StackFiles) -> None:
    existing = {consumer.arn for plan in files.plans.values() for consumer in plan.consumers if not consumer.create}
    for role in existing_roles(files):
        if f"arn:aws:iam::{role.account}:role/{role.role}" in existing:
            assert role.policy is not None
            assert not any(action.startswith("kms:") for action in _actions(role.policy))


def test_a_path_in_front_of_a_role_is_split_off_for_iam(files: StackFiles) -> None:
    paths = {role.role: (role.path, role.name) for role in existing_roles(files)}
    assert paths["application/ledger-runtime"] == ("/application/", "ledger-runtime")
    assert paths["golden-ami-deployment"] == ("/", "golden-ami-deployment")


def test_roles_that_a_product_takes_for_given_are_there_as_their_services_need_them(files: StackFiles) -> None:
    profile = InstanceProfile(name="builders", role="teams/builder")
    payroll = files.product("payroll").model_copy(update={"instance_profile": profile, "execution_role": "runner"})
    made = {role.role: role for role in existing_roles(replace(files, products={"payroll": payroll}))}
    assert (made["teams/builder"].instance_profile, len(made["teams/builder"].managed)) == ("builders", 2)
    assert "imagebuilder.amazonaws.com" in made["runner"].trust.json()


def test_people_may_do_nothing_but_look_without_a_resource(files: StackFiles) -> None:
    names = tuple(files.names(name) for name in files.products)
    people = [
        platform_engineer("111111111111", ("arn:aws:iam::111111111111:role/golden-ami-deployment",)),
        product_engineer(names),
        *(application_operator(account, files.plans) for account in files.accounts),
    ]
    for person in people:
        for statement in person.policy.statements:
            if "*" in statement.resources:
                assert all(":Describe" in action for action in statement.actions), (person.label, statement.sid)
            assert not any(action.endswith(":*") for action in statement.actions)


def _actions(document: PolicyDocument) -> list[str]:
    return [action for statement in document.statements for action in statement.actions]
