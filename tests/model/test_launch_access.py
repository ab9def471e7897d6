"""Who may launch: every statement of the documents is needed, and where it is missing the cell says so."""

from dataclasses import replace
from typing import Any

import pytest

from model.access import NamedPolicy, Permissions, ResourceSide
from model.distribution import ConsumerRole, DistributionPlan, RegionTarget, SharedWith
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.launch_access import Answer, Cell, LaunchAccess, Launcher, Obstacle, Row, Step
from model.names import auto_scaling_role_arn, role_arn
from model.planned_launches import planned_launches

ADMINISTRATORS = ("arn:aws:iam::111111111111:role/platform-administrator",)
CREATED = "arn:aws:iam::222222222222:role/ledger-instances"
EXISTING = "arn:aws:iam::333333333333:role/application/ledger-runtime"
PASS = {
    "Sid": "PassOwnRole",
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": "*",
    "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
}


@pytest.fixture
def plan(ledger: Product, landing_zone: LandingZone) -> DistributionPlan:
    return ledger.plan(landing_zone)


@pytest.fixture
def planned(plan: DistributionPlan) -> LaunchAccess:
    return planned_launches("ledger", plan, ADMINISTRATORS)


def row(access: LaunchAccess, principal: str, region: str) -> Row:
    (found,) = [row for row in access.rows() if (row.principal, row.region) == (principal, region)]
    return found


def without(policy: NamedPolicy, sid: str) -> NamedPolicy:
    kept = [statement for statement in policy.document["Statement"] if statement["Sid"] != sid]
    return NamedPolicy(policy.name, {**policy.document, "Statement": kept})


def with_role_policies(access: LaunchAccess, change: Any) -> LaunchAccess:
    """The same access with every policy of every launcher changed."""
    launchers = tuple(
        replace(
            each, permissions=replace(each.permissions, policies=tuple(change(p) for p in each.permissions.policies))
        )
        for each in access.launchers
    )
    return replace(access, launchers=launchers)


def with_key_policies(access: LaunchAccess, change: Any) -> LaunchAccess:
    """The same access with every key policy changed."""
    places = tuple(replace(place, key=replace(place.key, policy=change(place.key.policy))) for place in access.places)
    return replace(access, places=places)


def refused(found: Row) -> set[Step]:
    return {step for step, cell in found.cells.items() if cell.answer is Answer.NO}


def with_policy(access: LaunchAccess, principal: str, *statements: dict[str, Any]) -> LaunchAccess:
    """The same access with one policy more for one principal."""
    policy = NamedPolicy("policy own of the role", {"Version": "2012-10-17", "Statement": list(statements)})
    launchers = tuple(
        replace(each, permissions=replace(each.permissions, policies=(*each.permissions.policies, policy)))
        if each.principal.arn == principal
        else each
        for each in access.launchers
    )
    return replace(access, launchers=launchers)


def test_a_row_for_each_principal_in_each_region_of_its_account(planned: LaunchAccess) -> None:
    assert [(row.principal, row.account, row.region) for row in planned.rows()] == [
        (CREATED, "222222222222", "us-east-1"),
        (CREATED, "222222222222", "eu-west-1"),
        (EXISTING, "333333333333", "us-east-1"),
        (EXISTING, "333333333333", "eu-west-1"),
        (auto_scaling_role_arn("222222222222"), "222222222222", "us-east-1"),
        (auto_scaling_role_arn("222222222222"), "222222222222", "eu-west-1"),
    ]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_created_role_may_launch_and_each_step_names_its_statement(planned: LaunchAccess, region: str) -> None:
    cells = row(with_policy(planned, CREATED, PASS), CREATED, region).cells
    assert {step: cell.answer for step, cell in cells.items()} == dict.fromkeys(Step, Answer.YES)

    def sids(step: Step) -> set[str]:
        return {name.rsplit(": ", 1)[-1] for name in cells[step].deciding}

    assert sids(Step.CHANNEL) == {"ReadChannel"}
    assert sids(Step.IMAGE) == {"LaunchProductImages"}
    assert sids(Step.INSTANCE) == {"LaunchInAccount"}
    assert sids(Step.KEY) == {"UseImageKey", "UseByTargets"}
    assert sids(Step.GRANT) == {"GrantImageKey", "GrantsByTargets"}
    assert any(f"policy of the image key of ledger in {region}" in name for name in cells[Step.KEY].deciding)
    assert cells[Step.SNAPSHOT].deciding == ("the distribution of ledger gives 222222222222 a copy of its own",)


@pytest.mark.parametrize(
    ("sid", "step", "action"),
    [
        ("ReadChannel", Step.CHANNEL, "ssm:GetParameter"),
        ("LaunchProductImages", Step.IMAGE, "ec2:RunInstances"),
        ("LaunchInAccount", Step.INSTANCE, "ec2:RunInstances"),
        ("UseImageKey", Step.KEY, "kms:Decrypt"),
        ("GrantImageKey", Step.GRANT, "kms:CreateGrant"),
    ],
)
def test_without_a_statement_of_the_role_one_step_fails_and_says_what_the_role_lacks(
    planned: LaunchAccess, sid: str, step: Step, action: str
) -> None:
    whole = with_policy(planned, CREATED, PASS)
    assert refused(row(whole, CREATED, "eu-west-1")) == set()
    found = row(with_role_policies(whole, lambda policy: without(policy, sid)), CREATED, "eu-west-1")
    assert refused(found) == {step}
    assert any(action in line and "ledger-instances" in line for line in found.cells[step].missing), found.cells[step]


@pytest.mark.parametrize(
    ("sid", "step", "action"),
    [("UseByTargets", Step.KEY, "kms:Decrypt"), ("GrantsByTargets", Step.GRANT, "kms:CreateGrant")],
)
@pytest.mark.parametrize("principal", [CREATED, EXISTING])
def test_without_a_statement_of_the_key_one_step_fails_and_names_the_keys_policy(
    planned: LaunchAccess, principal: str, sid: str, step: Step, action: str
) -> None:
    changed = with_policy(with_key_policies(planned, lambda policy: without(policy, sid)), CREATED, PASS)
    found = row(changed, principal, "eu-west-1")
    assert refused(found) == {step}
    name = "policy of the image key of ledger in eu-west-1"
    assert any(action in line and name in line for line in found.cells[step].missing), found.cells[step]


def test_a_key_without_any_policy_known_refuses_everybody(planned: LaunchAccess) -> None:
    places = tuple(replace(place, key=ResourceSide("111111111111", required=True)) for place in planned.places)
    found = row(replace(planned, places=places), EXISTING, "us-east-1")
    assert refused(found) == {Step.KEY, Step.GRANT}


def test_a_role_that_passes_itself_needs_leave_to(planned: LaunchAccess) -> None:
    stripped = with_role_policies(
        planned,
        lambda policy: NamedPolicy(
            policy.name,
            {
                **policy.document,
                "Statement": [each for each in policy.document["Statement"] if "iam:PassRole" not in each["Action"]],
            },
        ),
    )
    found = row(stripped, CREATED, "us-east-1").cells[Step.INSTANCE_PROFILE]
    assert found.answer is Answer.NO
    assert any("iam:PassRole" in line and CREATED in line for line in found.missing)
    assert row(with_policy(stripped, CREATED, PASS), CREATED, "us-east-1").cells[Step.INSTANCE_PROFILE].deciding == (
        "policy own of the role: PassOwnRole",
    )


def test_what_an_existing_role_brings_itself_is_left_to_it_and_what_it_is_given_is_decided(
    planned: LaunchAccess,
) -> None:
    found = row(planned, EXISTING, "us-east-1")
    own = {Step.CHANNEL, Step.IMAGE, Step.INSTANCE, Step.INSTANCE_PROFILE}
    assert {step for step, cell in found.cells.items() if cell.answer is Answer.ROLES_OWN} == own
    assert {step for step, cell in found.cells.items() if cell.answer is Answer.YES} == set(Step) - own
    assert found.holds
    assert any("ec2:RunInstances" in line for line in found.cells[Step.IMAGE].missing)


def test_the_key_of_an_existing_role_is_not_left_to_it(planned: LaunchAccess) -> None:
    found = row(with_role_policies(planned, lambda policy: without(policy, "UseImageKey")), EXISTING, "us-east-1")
    assert refused(found) == {Step.KEY}
    assert not found.holds


def test_a_deny_refuses_even_where_policies_are_not_known_whole_and_is_named(planned: LaunchAccess) -> None:
    deny = {"Sid": "NoLaunches", "Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"}
    found = row(with_policy(planned, EXISTING, deny), EXISTING, "us-east-1").cells[Step.IMAGE]
    assert (found.answer, found.deciding) == (Answer.NO, ("policy own of the role: NoLaunches",))
    assert found.missing == ("narrow the Deny policy own of the role: NoLaunches: it refuses ec2:RunInstances",)


def test_a_policy_that_is_not_understood_is_no_pass(planned: LaunchAccess) -> None:
    odd = {
        "Sid": "Odd",
        "Effect": "Allow",
        "Action": "ec2:RunInstances",
        "Resource": "*",
        "Condition": {"StringSomehow": {"ec2:Owner": "222222222222"}},
    }
    found = row(with_policy(planned, CREATED, odd, PASS), CREATED, "us-east-1")
    assert found.cells[Step.IMAGE].answer is Answer.NOT_JUDGED
    assert "StringSomehow" in found.cells[Step.IMAGE].missing[0]
    assert not found.holds


@pytest.mark.parametrize(
    ("service", "steps"),
    [("ec2.us-east-1.amazonaws.com", set[Step]()), ("s3.us-east-1.amazonaws.com", {Step.KEY, Step.GRANT})],
)
def test_the_key_is_used_through_ec2_of_the_region(planned: LaunchAccess, service: str, steps: set[Step]) -> None:
    def through(policy: NamedPolicy) -> NamedPolicy:
        document = policy.document
        only = {"StringEquals": {"kms:ViaService": service}}
        narrowed = [
            {**each, "Condition": {**each.get("Condition", {}), **only}} if each["Sid"].endswith("ByTargets") else each
            for each in document["Statement"]
        ]
        return NamedPolicy(policy.name, {**document, "Statement": narrowed})

    assert refused(row(with_key_policies(planned, through), EXISTING, "us-east-1")) == steps


def test_an_image_of_another_product_is_refused(planned: LaunchAccess) -> None:
    places = tuple(replace(place, tags={"golden-ami:product": "payroll"}) for place in planned.places)
    assert refused(row(with_policy(replace(planned, places=places), CREATED, PASS), CREATED, "us-east-1")) == {
        Step.IMAGE
    }


def test_one_subnet_that_a_role_names_is_enough_for_a_launch(planned: LaunchAccess) -> None:
    def launch_in(subnet: str) -> Cell:
        def narrowed(policy: NamedPolicy) -> NamedPolicy:
            return without(policy, "LaunchInAccount")

        kinds = ("instance", "volume", "network-interface", "security-group")
        statement = {
            "Sid": "LaunchInSubnet",
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": [subnet, *(f"arn:aws:ec2:us-east-1:222222222222:{kind}/*" for kind in kinds)],
        }
        access = with_policy(with_role_policies(planned, narrowed), CREATED, statement)
        return row(access, CREATED, "us-east-1").cells[Step.INSTANCE]

    assert launch_in("arn:aws:ec2:us-east-1:222222222222:subnet/subnet-00000002").answer is Answer.YES
    assert launch_in("arn:aws:ec2:*:*:subnet/subnet-00000002").answer is Answer.YES
    assert launch_in("arn:aws:ec2:eu-west-1:222222222222:subnet/subnet-00000002").answer is Answer.NO


@pytest.mark.parametrize(("certain", "answer"), [(True, Answer.NO), (False, Answer.NOT_JUDGED)])
def test_a_fact_that_stands_in_the_way_is_told_whatever_policies_allow(
    planned: LaunchAccess, certain: bool, answer: Answer
) -> None:
    stands = {Step.SNAPSHOT: (Obstacle("the snapshot lies under another key", certain),)}
    places = tuple(replace(place, obstacles=stands) for place in planned.places)
    found = row(replace(planned, places=places), EXISTING, "us-east-1")
    assert found.cells[Step.SNAPSHOT] == Cell(answer, missing=("the snapshot lies under another key",))
    assert found.cells[Step.KEY].answer is Answer.YES


def test_an_obstacle_of_a_launcher_stands_in_the_way_of_its_steps_only(planned: LaunchAccess) -> None:
    stands = {Step.INSTANCE_PROFILE: (Obstacle("there is no instance profile"),)}
    gone = tuple(replace(each, obstacles=stands) for each in planned.launchers)
    assert refused(row(replace(planned, launchers=gone), CREATED, "us-east-1")) == {Step.INSTANCE_PROFILE}


def test_a_hub_that_keeps_its_image_is_a_place_and_its_account_delegates_the_key() -> None:
    consumer = ConsumerRole("111111111111", "workers", True)
    plan = DistributionPlan("111111111111", "us-east-1", (RegionTarget("us-east-1", ()),), (consumer,))
    access = with_policy(planned_launches("ledger", plan, ADMINISTRATORS), consumer.arn, PASS)
    found = row(access, consumer.arn, "us-east-1")
    assert refused(found) == set()
    assert found.cells[Step.SNAPSHOT].deciding == ("the hub 111111111111 keeps the images of ledger",)


def scaling_plan() -> DistributionPlan:
    consumer = ConsumerRole("222222222222", "workers", create=True, auto_scaling=True)
    other = ConsumerRole("333333333333", "others", create=True)
    target = RegionTarget("eu-west-1", ("222222222222", "333333333333"))
    deployers = {account: role_arn(account, "golden-ami-deployment") for account in target.accounts}
    return DistributionPlan("111111111111", "us-east-1", (target,), (consumer, other), deployment_roles=deployers)


def test_auto_scaling_launches_by_grant_where_a_consumer_asks_for_it() -> None:
    access = planned_launches("ledger", scaling_plan(), ADMINISTRATORS)
    arn = auto_scaling_role_arn("222222222222")
    assert [found.principal for found in access.rows()].count(arn) == 1
    assert auto_scaling_role_arn("333333333333") not in [found.principal for found in access.rows()]
    found = row(access, arn, "eu-west-1")
    assert {cell.answer for cell in found.cells.values()} == {Answer.YES}
    assert found.cells[Step.KEY].deciding == (f"grant to {arn}",)
    assert found.cells[Step.GRANT].deciding == (f"grant to {arn}",)
    assert "EC2InstanceProfileManagement" in found.cells[Step.INSTANCE_PROFILE].deciding[0]


def test_without_its_grant_auto_scaling_may_not_use_the_key() -> None:
    access = planned_launches("ledger", scaling_plan(), ADMINISTRATORS)
    places = tuple(replace(place, key=replace(place.key, grants=())) for place in access.places)
    found = row(replace(access, places=places), auto_scaling_role_arn("222222222222"), "eu-west-1")
    assert refused(found) == {Step.KEY, Step.GRANT}


def test_a_launcher_without_an_instance_profile_is_asked_nothing_for_one(planned: LaunchAccess) -> None:
    bare = replace(planned, launchers=(Launcher(Permissions(planned.launchers[0].principal)),))
    cell = row(bare, CREATED, "us-east-1").cells[Step.INSTANCE_PROFILE]
    assert cell.answer is Answer.YES


def shared_launch(launch_policy: bool = True) -> Row:
    """A created role's launch from the hub's own AMI, which shows it no tags."""
    consumer = ConsumerRole("222222222222", "workers", create=True)
    target = RegionTarget("us-east-1", (), SharedWith(("222222222222",)))
    plan = DistributionPlan("111111111111", "us-east-1", (target,), (consumer,))
    access = planned_launches("ledger", plan, ADMINISTRATORS)
    if not launch_policy:
        access = with_role_policies(access, lambda policy: without(policy, "LaunchSharedImages"))
    return row(access, consumer.arn, "us-east-1")


def test_a_shared_image_is_launched_from_as_the_hubs_and_a_tag_would_not_do() -> None:
    found = shared_launch()
    assert {cell.answer for cell in found.cells.values()} == {Answer.YES}
    assert found.cells[Step.IMAGE].deciding[0].endswith(": LaunchSharedImages")
    assert found.cells[Step.SNAPSHOT].deciding == (
        "the hub 111111111111 shares its images of ledger with 222222222222",
    )


def test_without_the_statement_on_shared_images_the_image_is_refused() -> None:
    assert refused(shared_launch(launch_policy=False)) == {Step.IMAGE}


def test_a_copy_in_one_region_and_a_share_in_another_are_launched_from_each_in_its_own_way() -> None:
    consumer = ConsumerRole("222222222222", "workers", create=True)
    regions = (
        RegionTarget("us-east-1", ("222222222222",)),
        RegionTarget("eu-west-1", (), SharedWith(("222222222222",))),
    )
    access = planned_launches(
        "ledger", DistributionPlan("111111111111", "us-east-1", regions, (consumer,)), ADMINISTRATORS
    )
    deciding = {one.region: one.cells[Step.IMAGE].deciding[0].rsplit(": ", 1)[-1] for one in access.rows()}
    assert deciding == {"us-east-1": "LaunchProductImages", "eu-west-1": "LaunchSharedImages"}
    assert all(one.holds for one in access.rows())
