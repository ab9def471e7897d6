"""The deployment roles hold what a deployment takes, statement by statement, and no resource beside it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext

import pytest
from botocore.exceptions import ClientError

from model.deployment_role import deployment_role_trust, hub_deployment_policy, target_deployment_policy
from model.documents import PolicyDocument
from model.files.component_bucket import documents_arns
from model.names import account_root_arn
from model.target_policies import consumer_role_trust
from tests.stacks.permissions.deployment_calls import CHANNEL, Call, Deployer
from tests.stacks.permissions.deployment_scopes import (
    SCOPES,
    Scope,
    foreign_resources,
    granted_to_anybody,
    making_functions,
)
from tests.stacks.permissions.deployment_statements import (
    ACCOUNTS,
    ADMINISTERED,
    RECORDED,
    TEST,
    Administered,
    deployment_documents,
)
from tests.stacks.permissions.documents import HUB, documents
from tests.stacks.world import World

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def deployers(world: World) -> Generator[Mapping[str, Deployer]]:
    """The platform engineer in each account's deployment role, with everything there that it may look after."""
    with ExitStack() as made:
        for account in ACCOUNTS:
            ssm = world.client("ssm", account)
            ssm.put_parameter(Name=CHANNEL, Value="ami-00000000000000000", Type="String")
            made.callback(ssm.delete_parameter, Name=CHANNEL)
        _consumer_role(world, "payroll-instances", made)
        made.enter_context(foreign_resources(world))
        yield {account: Deployer(world, account) for account in ACCOUNTS}


def _consumer_role(world: World, role: str, made: ExitStack) -> None:
    """A role that only the Windows example deploys, and its profile."""
    iam = world.client("iam", TEST)
    try:
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=consumer_role_trust(TEST).json())
    except iam.exceptions.EntityAlreadyExistsException:
        return
    made.callback(iam.delete_role, RoleName=role)
    iam.create_instance_profile(InstanceProfileName=role)
    made.callback(iam.delete_instance_profile, InstanceProfileName=role)
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    made.callback(iam.remove_role_from_instance_profile, InstanceProfileName=role, RoleName=role)


def _planned(world: World) -> Mapping[str, PolicyDocument]:
    zone = world.session.files.landing_zone
    plans = tuple(world.session.files.plans.values())
    documents = documents_arns(product.component_bucket for product in world.session.files.products.values())
    policies = {HUB: hub_deployment_policy(HUB, zone.hub.region, zone.regions, plans, documents)}
    policies |= {account: target_deployment_policy(account, plans) for account in ACCOUNTS if account != HUB}
    return {
        **{f"policy of deployment in {account}": policy for account, policy in policies.items()},
        **{f"trust of deployment in {account}": deployment_role_trust(HUB) for account in ACCOUNTS},
    }


def test_every_statement_of_the_deployment_roles_is_classified_once_and_as_planned(world: World) -> None:
    deployed = {name: document.read() for name, document in deployment_documents(world).items()}
    planned = {name: document.as_dict() for name, document in _planned(world).items()}
    assert deployed == planned
    statements = [(name, entry["Sid"]) for name, document in deployed.items() for entry in document["Statement"]]
    assert sorted([*((one.document, one.sid) for one in ADMINISTERED), *RECORDED]) == sorted(statements)


@pytest.mark.parametrize("statement", ADMINISTERED, ids=str)
def test_without_the_statement_a_call_of_the_deployment_is_refused(
    world: World, deployers: Mapping[str, Deployer], statement: Administered
) -> None:
    deployer = deployers[statement.account]
    document = deployment_documents(world)[statement.document]
    statement.call(deployer)
    with document.changed(document.without(statement.sid)):
        refusal = _refusal(statement.call, deployer)
    assert f"is not authorized to perform: {statement.action} " in refusal
    if not statement.trust:
        assert f"no identity-based policy allows the {statement.action} action" in refusal


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_a_deployment_role_touches_nothing_beyond_the_scope_of_its_statements(
    world: World, deployers: Mapping[str, Deployer], scope: Scope
) -> None:
    deployer = deployers[scope.account]
    document = deployment_documents(world)[f"policy of deployment in {scope.account}"]
    with _nothing_else_refusing(world, scope):
        refusal = _refusal(scope.attempt, deployer)
        assert f"is not authorized to perform: {scope.action} " in refusal
        assert f"no identity-based policy allows the {scope.action} action" in refusal
        with document.changed(scope.wider):
            if scope.beside is None:
                scope.attempt(deployer)
            else:
                assert scope.beside in _refusal(scope.attempt, deployer)


def _nothing_else_refusing(world: World, scope: Scope) -> AbstractContextManager[None]:
    """What else stands between the role and the attempt, put aside."""
    found = {**documents(world), **deployment_documents(world)}
    match scope.sid:
        case "PassConsumerRoles":
            return found[f"policy of deployment in {scope.account}"].changed(making_functions)
        case "GrantToAutoScaling":
            return found["image key in us-east-1"].changed(granted_to_anybody)
        case _:
            return nullcontext()


def test_nobody_of_another_account_assumes_a_deployment_role(world: World) -> None:
    for account in ACCOUNTS:
        trust = deployment_documents(world)[f"trust of deployment in {account}"].read()
        assert [entry["Principal"] for entry in trust["Statement"]] == [{"AWS": account_root_arn(HUB)}]


def _refusal(call: Call, deployer: Deployer) -> str:
    with pytest.raises(ClientError) as caught:
        call(deployer)
    return str(caught.value)
