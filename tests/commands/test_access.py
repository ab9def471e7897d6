"""Telling who may launch: by the planned documents, and by what is deployed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from commands.access import access_report, main
from commands.access_accounts import DeploymentRoles
from commands.access_live import DeployedLaunches
from commands.access_report import Report, Source
from model.distribution import ConsumerRole, DistributionPlan, RegionTarget, SharedWith
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.launch_access import Answer, LaunchAccess, Row, Step
from model.names import auto_scaling_role_arn, role_arn
from model.planned_launches import planned_launches
from tests.commands.deployed_accounts import DeployedAccounts, deployed

PROJECT = Path(__file__).parent.parent.parent
ADMINISTRATORS = ("arn:aws:iam::111111111111:role/platform-administrator",)
CREATED = "arn:aws:iam::222222222222:role/ledger-instances"
EXISTING = "arn:aws:iam::333333333333:role/application/ledger-runtime"
PASS = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Pass", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}],
}

WRITES = re.compile(r"^(create|put|update|delete|attach|detach|add|remove|revoke|run|start|tag|modify)_")


@pytest.fixture
def planned(ledger: Product, landing_zone: LandingZone) -> LaunchAccess:
    return planned_launches("ledger", ledger.plan(landing_zone), ADMINISTRATORS)


@pytest.fixture
def accounts(planned: LaunchAccess) -> DeployedAccounts:
    found = deployed(planned)
    found.roles["222222222222", "ledger-instances"].inline["pass"] = PASS
    return found


def rows(report: Report) -> dict[tuple[str, str], Row]:
    return {(row.principal, row.region): row for row in report.rows}


def live(accounts: DeployedAccounts) -> Report:
    return access_report("ledger", PROJECT, accounts)


def test_what_is_deployed_as_planned_lets_every_consumer_launch(accounts: DeployedAccounts) -> None:
    report = live(accounts)
    answers = {(row.principal, step): cell.answer for row in report.rows for step, cell in row.cells.items()}
    assert set(answers.values()) == {Answer.YES}, report.json()
    assert report.holds
    assert report.source is Source.DEPLOYED


def test_reading_what_is_deployed_changes_nothing(accounts: DeployedAccounts) -> None:
    live(accounts)
    assert len(set(accounts.calls)) > 8
    assert [call for call in accounts.calls if WRITES.match(call)] == []


def test_a_deployed_image_is_named_and_its_snapshots_too(accounts: DeployedAccounts) -> None:
    cell = rows(live(accounts))[CREATED, "us-east-1"].cells[Step.SNAPSHOT]
    assert cell.deciding == ("snap-00000000000000001 of 222222222222 in us-east-1, under the image key",)


def drop_role_statement(accounts: DeployedAccounts) -> None:
    policy = accounts.roles["222222222222", "ledger-instances"].inline["golden-ami-ledger-image-key"]
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != "UseImageKey"]


def drop_key_statement(accounts: DeployedAccounts) -> None:
    policy = accounts.keys["us-east-1"].policy
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != "GrantsByTargets"]


def delete_role(accounts: DeployedAccounts) -> None:
    del accounts.roles["222222222222", "ledger-instances"]


def move_role(accounts: DeployedAccounts) -> None:
    accounts.roles["222222222222", "ledger-instances"].arn = "arn:aws:iam::222222222222:role/elsewhere/ledger-instances"


def delete_profile(accounts: DeployedAccounts) -> None:
    accounts.roles["222222222222", "ledger-instances"].profiles.clear()


def bound(accounts: DeployedAccounts) -> None:
    arn = "arn:aws:iam::222222222222:policy/boundary"
    accounts.managed[arn] = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "NoKeys", "Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}],
    }
    accounts.roles["222222222222", "ledger-instances"].boundary = arn


def refuse_by_managed_policy(accounts: DeployedAccounts) -> None:
    arn = "arn:aws:iam::222222222222:policy/guard"
    accounts.managed[arn] = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "NoPassing", "Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}],
    }
    accounts.roles["222222222222", "ledger-instances"].attached.append(arn)


def forget_parameter(accounts: DeployedAccounts) -> None:
    accounts.places["222222222222", "us-east-1"].parameter = None


def deregister_image(accounts: DeployedAccounts) -> None:
    accounts.places["222222222222", "us-east-1"].image = {}


def make_image_pending(accounts: DeployedAccounts) -> None:
    accounts.places["222222222222", "us-east-1"].image["State"] = "pending"


def share_image_only(accounts: DeployedAccounts) -> None:
    accounts.places["222222222222", "us-east-1"].image["OwnerId"] = "111111111111"


def untag_image(accounts: DeployedAccounts) -> None:
    accounts.places["222222222222", "us-east-1"].image["Tags"] = []


def reencrypt_snapshot(accounts: DeployedAccounts) -> None:
    accounts.places["222222222222", "us-east-1"].snapshot["KmsKeyId"] = "arn:aws:kms:us-east-1:222222222222:key/other"


def keep_snapshot_elsewhere(accounts: DeployedAccounts) -> None:
    accounts.places["222222222222", "us-east-1"].snapshot["OwnerId"] = "111111111111"


def disable_key(accounts: DeployedAccounts) -> None:
    accounts.keys["us-east-1"].state = "PendingDeletion"


def delete_key(accounts: DeployedAccounts) -> None:
    del accounts.keys["us-east-1"]


ALL_BUT_SNAPSHOT = set(Step) - {Step.SNAPSHOT}


@pytest.mark.parametrize(
    ("change", "steps", "missing"),
    [
        (drop_role_statement, {Step.KEY}, r"kms:Decrypt.*ledger-instances"),
        (drop_key_statement, {Step.GRANT}, r"kms:CreateGrant.*policy of the image key of ledger in us-east-1"),
        (delete_role, ALL_BUT_SNAPSHOT, r"role ledger-instances .* does not exist: pulumi up --stack ledger"),
        (move_role, ALL_BUT_SNAPSHOT, r"is arn:aws:iam::222222222222:role/elsewhere/ledger-instances: state its path"),
        (delete_profile, {Step.INSTANCE_PROFILE}, r"instance profile .* does not exist: pulumi up --stack ledger"),
        (bound, {Step.KEY, Step.GRANT}, r"kms:CreateGrant.*boundary"),
        (refuse_by_managed_policy, {Step.INSTANCE_PROFILE}, r"narrow the Deny managed policy .*guard.*NoPassing"),
        (forget_parameter, {Step.CHANNEL, Step.IMAGE, Step.SNAPSHOT}, r"does not exist: build the product"),
        (deregister_image, {Step.IMAGE, Step.SNAPSHOT}, r"image ami-\w+ .* does not exist: build the product"),
        (make_image_pending, {Step.IMAGE, Step.SNAPSHOT}, r"is pending"),
        (share_image_only, {Step.IMAGE, Step.SNAPSHOT}, r"belongs to 111111111111"),
        (untag_image, {Step.IMAGE}, r"ec2:RunInstances"),
        (reencrypt_snapshot, {Step.SNAPSHOT}, r"lies under arn:aws:kms:us-east-1:222222222222:key/other, not under"),
        (keep_snapshot_elsewhere, {Step.SNAPSHOT}, r"snapshot snap-\w+ belongs to 111111111111"),
        (disable_key, {Step.KEY, Step.GRANT}, r"is PendingDeletion"),
        (delete_key, {Step.KEY, Step.GRANT, Step.SNAPSHOT}, r"key alias/golden-ami/ledger/image .* does not exist"),
    ],
)
def test_what_is_missing_where_it_is_deployed_is_told_at_its_step_and_nowhere_else(
    accounts: DeployedAccounts, change: Callable[[DeployedAccounts], None], steps: set[Step], missing: str
) -> None:
    change(accounts)
    report = live(accounts)
    found = rows(report)[CREATED, "us-east-1"]
    assert {step for step, cell in found.cells.items() if cell.answer is Answer.NO} == steps, found
    assert any(re.search(missing, line) for step in steps for line in found.cells[step].missing), found
    assert not report.holds
    untouched = rows(report)[EXISTING, "eu-west-1"]
    assert untouched.holds


@pytest.mark.parametrize(
    ("operation", "steps"),
    [
        ("get_role", ALL_BUT_SNAPSHOT),
        ("get_policy_version", ALL_BUT_SNAPSHOT),
        ("list_grants", {Step.KEY, Step.GRANT}),
        ("get_parameter", {Step.CHANNEL, Step.IMAGE, Step.SNAPSHOT}),
        ("describe_images", {Step.IMAGE, Step.SNAPSHOT}),
        ("describe_snapshots", {Step.SNAPSHOT}),
    ],
)
def test_what_may_not_be_read_is_not_judged_and_says_so(
    accounts: DeployedAccounts, operation: str, steps: set[Step]
) -> None:
    bound(accounts)
    accounts.refused[operation] = "AccessDenied"
    report = live(accounts)
    found = rows(report)[CREATED, "us-east-1"]
    unjudged = {step for step, cell in found.cells.items() if cell.answer is Answer.NOT_JUDGED}
    assert unjudged >= steps
    unread = re.compile("could not be read: .* was refused; `make deployment-roles` prints")
    assert all(unread.search(line) for step in steps for line in found.cells[step].missing)
    assert not report.holds


def test_an_error_that_tells_nothing_about_access_ends_the_reading(accounts: DeployedAccounts) -> None:
    accounts.refused["get_role"] = "Throttling"
    with pytest.raises(Exception, match="Throttling"):
        live(accounts)


def scaling_plan() -> DistributionPlan:
    consumer = ConsumerRole("222222222222", "workers", create=True, auto_scaling=True)
    target = RegionTarget("eu-west-1", ("222222222222",))
    deployers = {"222222222222": role_arn("222222222222", "golden-ami-deployment")}
    return DistributionPlan("111111111111", "us-east-1", (target,), (consumer,), deployment_roles=deployers)


def scaling(change: Callable[[DeployedAccounts], None]) -> Row:
    plan = scaling_plan()
    accounts = deployed(planned_launches("ledger", plan, ADMINISTRATORS))
    change(accounts)
    found = DeployedLaunches("ledger", plan, "m5.large", accounts).read().rows()
    (row,) = [row for row in found if row.principal == auto_scaling_role_arn("222222222222")]
    return row


def test_auto_scaling_launches_where_its_grant_is_there() -> None:
    row = scaling(lambda _: None)
    assert {cell.answer for cell in row.cells.values()} == {Answer.YES}
    assert row.cells[Step.KEY].deciding == (f"grant to {auto_scaling_role_arn('222222222222')}",)


def test_a_grant_that_is_gone_is_missed() -> None:
    row = scaling(lambda accounts: accounts.keys["eu-west-1"].grants.clear())
    assert {step for step, cell in row.cells.items() if not cell.answer.holds} == {Step.KEY, Step.GRANT}


def test_auto_scaling_needs_its_role_and_how_to_make_it_is_told() -> None:
    row = scaling(lambda accounts: accounts.roles.pop(("222222222222", "AWSServiceRoleForAutoScaling")) and None)
    assert "create-service-linked-role" in row.cells[Step.KEY].missing[0]


def sharing(change: Callable[[DeployedAccounts], object] = lambda _accounts: None) -> Row:
    """The one launch of an account that the hub shares its image with, from what is deployed."""
    consumer = ConsumerRole("222222222222", "workers", create=True)
    target = RegionTarget("us-east-1", (), SharedWith(("222222222222",)))
    plan = DistributionPlan("111111111111", "us-east-1", (target,), (consumer,))
    accounts = deployed(planned_launches("ledger", plan, ADMINISTRATORS))
    change(accounts)
    (row,) = DeployedLaunches("ledger", plan, "m5.large", accounts).read().rows()
    return row


def test_a_shared_image_is_launched_from_by_its_owner_and_its_snapshots_are_read_there() -> None:
    row = sharing()
    assert {cell.answer for cell in row.cells.values()} == {Answer.YES}
    assert row.cells[Step.IMAGE].deciding[0].endswith("LaunchSharedImages")
    assert "of 111111111111 in us-east-1, under the image key" in row.cells[Step.SNAPSHOT].deciding[0]


def test_an_image_of_somebody_else_behind_the_channel_of_a_share_is_told() -> None:
    row = sharing(lambda found: found.places["222222222222", "us-east-1"].image.update(OwnerId="444444444444"))
    assert "belongs to 444444444444" in row.cells[Step.IMAGE].missing[0]


def command(*arguments: str) -> Any:
    program = typer.Typer()
    program.command()(main)
    return CliRunner().invoke(program, arguments)


def test_the_planned_documents_need_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boto3.Session", lambda: pytest.fail("credentials were asked for"))
    result = command("--product", "ledger", "--format", "json")
    assert json.loads(result.stdout)["source"] == "planned"
    assert result.exit_code == (0 if json.loads(result.stdout)["holds"] else 1)


def test_a_product_that_has_no_file_is_told_plainly() -> None:
    result = command("--product", "nothing")
    assert result.exit_code == 1
    assert "Pulumi.nothing.yaml" in result.output


class Sts:
    def __init__(self) -> None:
        self.assumed: list[str] = []

    def assume_role(self, *, RoleArn: str, RoleSessionName: str) -> dict[str, Any]:
        self.assumed.append(RoleArn)
        return {"Credentials": {"AccessKeyId": "key", "SecretAccessKey": "secret", "SessionToken": "token"}}


class Session:
    def __init__(self, sts: Sts) -> None:
        self._sts = sts

    def client(self, service: str, *, region_name: str) -> Any:
        assert (service, region_name) == ("sts", "us-east-1")
        return self._sts


def test_each_account_is_read_as_its_deployment_role_assumed_once(landing_zone: LandingZone) -> None:
    sts = Sts()
    session: Any = Session(sts)
    accounts = DeploymentRoles(session, landing_zone)
    assert accounts.kms("111111111111", "eu-west-1").meta.region_name == "eu-west-1"
    assert accounts.ssm("222222222222", "eu-west-1").meta.service_model.service_name == "ssm"
    accounts.ec2("222222222222", "us-east-1")
    accounts.iam("222222222222")
    zone = yaml.safe_load((PROJECT / "stacks" / "Pulumi.landing-zone.yaml").read_text(encoding="utf-8"))
    assert "deploymentRole" not in str(zone)
    assert sts.assumed == [
        "arn:aws:iam::111111111111:role/golden-ami-deployment",
        "arn:aws:iam::222222222222:role/golden-ami-deployment",
    ]
