"""Telling who may launch: planned and deployed, as a table, as JSON and as a page."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from rich.console import Console
from typer.testing import CliRunner

from commands.access import Format, access, access_report, main
from commands.access_accounts import DeploymentRoles
from commands.access_live import DeployedLaunches
from commands.access_report import Report, Source
from model.distribution import ConsumerRole, DistributionPlan, RegionTarget
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.launch_access import Answer, Cell, LaunchAccess, Row, Step
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


CELLS = {
    Step.IMAGE: Cell(Answer.NO, missing=("allow <ec2:RunInstances> in policy & role",)),
    Step.CHANNEL: Cell(Answer.NOT_JUDGED, missing=("StringSomehow is not known",)),
    Step.INSTANCE: Cell(Answer.ROLES_OWN, missing=("allow it",)),
}


def report_of(landing_zone: LandingZone, **changes: Any) -> Report:
    cells = {step: Cell(Answer.YES, (f"policy x: {step.value}",)) for step in Step}
    good = Row(CREATED, "222222222222", "us-east-1", cells)
    bad = replace(good, region="eu-west-1", cells={**cells, **CELLS})
    return replace(Report("ledger", Source.PLANNED, (good, bad), landing_zone), **changes)


def printed(report: Report, form: Format, output: Path | None = None) -> tuple[int, str]:
    text = io.StringIO()
    code = access(report, form, output, Console(file=text, width=160))
    return code, text.getvalue()


def test_the_table_has_a_column_for_each_region_and_a_line_for_each_step(landing_zone: LandingZone) -> None:
    code, text = printed(report_of(landing_zone), Format.TABLE)
    assert code == 1
    assert "ledger-instances in workloads-production (222222222222)" in text
    lines = [line for line in text.splitlines() if line.startswith("│ image ")]
    assert [part.strip() for part in lines[0].split("│")[1:4]] == ["image", "yes", "no"]
    assert "eu-west-1: allow <ec2:RunInstances> in policy & role" in text
    assert "us-east-1: policy x: image" in text
    assert "ledger: 1 of 2 launches would fail" in text


def test_the_json_has_the_shape_that_its_module_documents(landing_zone: LandingZone) -> None:
    code, text = printed(report_of(landing_zone), Format.JSON)
    content = json.loads(text)
    assert code == 1
    assert {key: content[key] for key in ("version", "product", "source", "holds")} == {
        "version": 1,
        "product": "ledger",
        "source": "planned",
        "holds": False,
    }
    good, bad = content["launches"]
    assert (good["principal"], good["account"], good["accountName"], good["region"], good["holds"]) == (
        CREATED,
        "222222222222",
        "workloads-production",
        "us-east-1",
        True,
    )
    assert list(bad["steps"]) == [step.value for step in Step]
    assert bad["steps"]["image"] == {
        "answer": "no",
        "deciding": [],
        "missing": ["allow <ec2:RunInstances> in policy & role"],
    }


class Page(HTMLParser):
    """What of a page matters to those who cannot see its colours, and whether it loads anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


def test_the_page_says_in_words_what_it_says_in_colours_and_loads_nothing(landing_zone: LandingZone) -> None:
    text = report_of(landing_zone).html()
    page = Page(text)
    assert {answer.value for answer in Answer} <= set(page.words)
    assert ("html", {"lang": "en"}) in page.tags
    scopes = {attributes.get("scope") for tag, attributes in page.tags if tag == "th"}
    assert scopes == {"col", "row"}
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    styled = {attributes["class"] for tag, attributes in page.tags if tag == "span"}
    assert styled == {"answer yes", "answer no", "answer role-s-own", "answer not-judged"}
    assert all(f".{name.split()[1]} {{" in text for name in styled if name)


def test_the_page_escapes_what_policies_hold(landing_zone: LandingZone) -> None:
    text = report_of(landing_zone).html()
    assert "allow <ec2:RunInstances> in policy & role" not in text
    assert "allow &lt;ec2:RunInstances&gt; in policy &amp; role" in text


@pytest.mark.parametrize("form", list(Format))
def test_a_report_goes_into_a_file_where_one_is_named(landing_zone: LandingZone, form: Format, tmp_path: Path) -> None:
    output = tmp_path / "report"
    code, text = printed(report_of(landing_zone), form, output)
    assert code == 1
    assert str(output) in text
    written = output.read_text(encoding="utf-8")
    assert "ledger-instances" in written
    assert "\x1b" not in written


def test_where_every_step_holds_the_command_ends_well(landing_zone: LandingZone) -> None:
    report = report_of(landing_zone)
    assert printed(replace(report, rows=report.rows[:1]), Format.TABLE)[0] == 0
    own = {**report.rows[0].cells, Step.IMAGE: Cell(Answer.ROLES_OWN)}
    code, text = printed(replace(report, rows=(replace(report.rows[0], cells=own),)), Format.TABLE)
    assert code == 0
    assert "--live reads them" in " ".join(text.split())


def test_the_conclusion_tells_failing_launches_from_those_that_could_not_be_judged(landing_zone: LandingZone) -> None:
    report = report_of(landing_zone)
    good, bad = report.rows
    unjudged = replace(good, cells={**good.cells, Step.KEY: Cell(Answer.NOT_JUDGED)})
    counted = replace(report, rows=(good, bad, unjudged)).conclusion
    assert counted == "ledger: 1 of 3 launches would fail, 1 of 3 launches could not be judged"
    assert replace(report, rows=(unjudged,)).conclusion == "ledger: 1 of 1 launches could not be judged"
    assert replace(report, rows=(good,)).conclusion == "ledger: nothing planned stands in the way of a launch"


def test_a_product_without_consumers_says_so(landing_zone: LandingZone) -> None:
    code, text = printed(report_of(landing_zone, rows=()), Format.TABLE)
    assert (code, text.strip()) == (0, "ledger has no consumers: nobody launches from it")


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
