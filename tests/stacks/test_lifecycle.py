"""A product between its first and its last deployment: edits by hand, interrupted updates, and letting go."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from local.progress import Report, Task
from local.stacks import StackError, Stacks
from tests.stacks.engine_runs import AT_ONCE, engine, held_versions, on_stack, program

pytestmark = pytest.mark.stack

HUB = "111111111111"
TARGETS = ("222222222222", "333333333333")
KEY_REGIONS = ("us-east-1", "eu-west-1")
BUCKET = f"golden-ami-journal-{HUB}-us-east-1"
PROTECTED = {
    "journal-image-key-us-east-1",
    "journal-image-key-eu-west-1",
    "journal-data-key-key",
    "journal-scripts-bucket",
    "journal-scripts-encryption",
    "journal-scripts-lifecycle",
    "journal-scripts-ownership",
    "journal-scripts-policy",
    "journal-scripts-public-access",
    "journal-scripts-versioning",
}
OF_OTHERS = {f"{TARGETS[1]} journal-runtime", f"{TARGETS[1]} journal-runtime own", f"{TARGETS[0]} journal-team"}
"""The existing consumer role, with the policy that it had before, and the team's role, which had none."""

REPEATABLE = ("aws:s3/", "aws:sqs/", "aws:sns/", "aws:imagebuilder/", "aws:iam/rolePolicy", "aws:cloudwatch/metric")
"""Types whose creation AWS repeats; another's ends in an error that names it, or for a key in a second key."""

ENOUGH = 6
"""Resources that are made before an update is interrupted."""


def checkpoint(world: Any, stack: str) -> dict[str, Any]:
    """What the state holds of a stack."""
    (file,) = (world.session.folder.state / ".pulumi" / "stacks").glob(f"*/{stack}.json")
    return json.loads(file.read_text(encoding="utf-8"))["checkpoint"]["latest"] or {}


def recorded(world: Any, stack: str) -> dict[str, str]:
    """Ids of a stack's AWS resources by their names in the program."""
    return {
        resource["urn"].rsplit("::", 1)[-1]: resource["id"]
        for resource in checkpoint(world, stack).get("resources", [])
        if resource["type"].startswith("aws:")
    }


def engines(world: Any) -> list[int]:
    """Processes of the copy's engine, with its plugins, language hosts and programs."""
    marker = f"PULUMI_HOME={world.session.folder.pulumi_home}".encode()
    found: list[int] = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker in file.read_bytes().split(b"\0"):
                found.append(int(file.parent.name))
        except OSError:
            continue
    return found


def await_end(pids: list[int]) -> None:
    """Wait until processes are gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            assert select.select([handle], [], [], 10)[0], f"process {pid} still runs"
            os.close(handle)


def is_repeatable(operations: list[dict[str, Any]]) -> bool:
    """Whether something is under way, and AWS answers alike when it is asked for once more."""
    return bool(operations) and all(each["resource"]["type"].startswith(REPEATABLE) for each in operations)


def script_versions(world: Any) -> set[tuple[str, str]]:
    """Every version that the product's bucket holds, by key and id."""
    listed = world.client("s3").list_object_versions(Bucket=BUCKET).get("Versions", [])
    return {(each["Key"], each["VersionId"]) for each in listed}


def empty(world: Any) -> None:
    """Delete every version of the product's bucket."""
    s3 = world.client("s3")
    listed = s3.list_object_versions(Bucket=BUCKET)
    for each in (*listed.get("Versions", []), *listed.get("DeleteMarkers", [])):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])


def keys(world: Any) -> list[tuple[str, str, str]]:
    """Region, description and state of every key of the product."""
    found: list[tuple[str, str, str]] = []
    for region in KEY_REGIONS:
        kms = world.client("kms", HUB, region)
        for entry in kms.list_keys()["Keys"]:
            key = kms.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]
            if " of journal" in key["Description"]:
                found.append((region, key["Description"], key["KeyState"]))
    return sorted(found)


def all_keys(state: str) -> list[tuple[str, str, str]]:
    """The product's keys, each once, in a state."""
    return [
        ("eu-west-1", "Encrypts the images of journal in eu-west-1", state),
        ("us-east-1", "Encrypts scripts, messages and logs of journal", state),
        ("us-east-1", "Encrypts the images of journal", state),
    ]


def inventory(world: Any) -> set[str]:
    """What the accounts hold under the product's name, beside keys, bucket, images, parameters and versions."""
    names: set[str] = set()
    for account in (HUB, *TARGETS):
        iam = world.client("iam", account)
        for role in iam.list_roles()["Roles"]:
            policies = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
            names |= {f"{account} {role['RoleName']} {policy}" for policy in policies}
            names.add(f"{account} {role['RoleName']}")
        names |= {
            f"{account} {each['InstanceProfileName']}" for each in iam.list_instance_profiles()["InstanceProfiles"]
        }
    builder, logs, events = world.client("imagebuilder"), world.client("logs"), world.client("events")
    names |= {each["FunctionName"] for each in world.client("lambda").list_functions()["Functions"]}
    names |= {each["arn"] for each in builder.list_image_pipelines()["imagePipelineList"]}
    names |= {
        each["arn"] for each in builder.list_distribution_configurations()["distributionConfigurationSummaryList"]
    }
    names |= {
        each["arn"] for each in builder.list_infrastructure_configurations()["infrastructureConfigurationSummaryList"]
    }
    names |= {each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]}
    names |= {each["Name"] for each in events.list_rules()["Rules"]}
    names |= {each["TopicArn"] for each in world.client("sns").list_topics()["Topics"]}
    names |= set(world.client("sqs").list_queues().get("QueueUrls", []))
    names |= {each["GroupName"] for each in world.client("ec2").describe_security_groups()["SecurityGroups"]}
    for region in KEY_REGIONS:
        names |= {
            f"{region} {each['AliasName']}" for each in world.client("kms", HUB, region).list_aliases()["Aliases"]
        }
    return {name for name in names if "journal" in name}


def without_versions(resources: dict[str, str]) -> dict[str, str]:
    """Recorded resources but components and recipes, of which an interrupted deployment may leave a version unused."""
    kinds = (":component/", ":image-recipe/")
    return {name: made for name, made in resources.items() if not any(kind in made for kind in kinds)}


class Interrupting(Report):
    """Presses Ctrl-C once the engine has told of enough resources that it made."""

    made = 0

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Generator[Task]:
        with super().task(title, total) as task:

            def update(detail: str, completed: int | None) -> None:
                task.update(detail, completed)
                if " aws:" in detail and " created (" in detail:
                    self.made += 1
                    if self.made == ENOUGH:
                        signal.raise_signal(signal.SIGINT)

            yield Task(update)


@pytest.fixture(scope="module")
def journal(world: Any) -> Generator[Any]:
    """A product that is known but not deployed, gone again after these tests."""
    stacks: Path = world.project / "stacks"
    ledger = (stacks / "Pulumi.ledger.yaml").read_text(encoding="utf-8")
    shutil.copytree(stacks / "ledger", stacks / "journal")
    world.add_product("journal", ledger.replace("ledger", "journal"))
    yield world
    shutil.rmtree(stacks / "journal")
    (stacks / "Pulumi.journal.yaml").unlink(missing_ok=True)
    world.add_product("ledger", ledger)


@pytest.fixture(scope="module")
def whole_journal(journal: Any) -> Any:
    """The product, deployed."""
    on_stack(journal, "journal", "up", *AT_ONCE)
    return journal


def test_an_edited_key_policy_is_found_by_refresh_and_put_right_by_the_next_up(world: Any) -> None:
    arn = world.stacks.outputs("ledger")["imageKeyArns"]["us-east-1"]
    kms = world.client("kms")
    right = json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    foreign = {
        "Sid": "OpenToStrangers",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444444444444:root"},
        "Action": "kms:Decrypt",
        "Resource": "*",
    }
    wrong = {**right, "Statement": [*right["Statement"], foreign]}
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=json.dumps(wrong))

    foreseen = on_stack(world, "ledger", "refresh", "--preview-only", "--diff")
    assert "ledger-image-key-us-east-1" in foreseen
    assert "OpenToStrangers" in foreseen
    assert "~ 1 to update" in foreseen
    mended = on_stack(world, "ledger", "up", "--refresh", *AT_ONCE)
    assert "ledger-image-key-us-east-1 updated" in mended
    assert "~ 1 updated" in mended.rpartition("Resources:")[2]
    assert json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]) == right


def test_ctrl_c_lets_the_engine_record_what_it_made_and_leaves_nothing_running(journal: Any) -> None:
    session = journal.session
    report = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        Stacks(session.folder, session.environment, report, journal.project).up("journal")
    assert engines(journal) == []
    state = checkpoint(journal, "journal")
    assert len(recorded(journal, "journal")) >= ENOUGH
    assert state.get("pending_operations", []) == []
    assert list((session.folder.state / ".pulumi" / "locks").glob("**/journal/*.json")) == []


def test_an_update_whose_engine_is_killed_is_completed_by_the_next_one(journal: Any) -> None:
    stacks = journal.stacks
    stacks.prepare("journal")
    before = recorded(journal, "journal")
    killed = subprocess.Popen(
        [
            *(program(journal), "up", *AT_ONCE, "--stack", "journal", "--config-file"),
            *(str(stacks.configuration("journal")), "--non-interactive", "--color", "never", "--parallel", "1"),
        ],
        cwd=journal.project,
        env=journal.session.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.stdout is not None
    made, under_way = 0, list[dict[str, Any]]()
    for line in killed.stdout:
        made += " aws:" in line and " created (" in line
        if made >= ENOUGH:
            killed.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, killed.pid, os.WSTOPPED)
            under_way = checkpoint(journal, "journal").get("pending_operations") or []
            if is_repeatable(under_way):
                break
            killed.send_signal(signal.SIGCONT)
    victims = engines(journal)
    assert killed.pid in victims
    assert is_repeatable(under_way)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    killed.stdout.close()
    await_end(victims)
    # What a kill in the middle of a write leaves: the file store writes this one in place.
    (attributes,) = (journal.session.folder.state / ".pulumi" / "stacks").glob("*/journal.json.attrs")
    attributes.write_bytes(b"")
    after = recorded(journal, "journal")
    assert after.keys() > before.keys()

    on_stack(journal, "journal", "up", *AT_ONCE)
    whole = recorded(journal, "journal")
    kept = without_versions(after)
    assert {name: whole[name] for name in kept} == kept
    assert keys(journal) == all_keys("Enabled")
    assert {each["resource"]["urn"].rsplit("::", 1)[-1] for each in under_way} <= whole.keys()
    # Until it is told so, the engine warns that it does not know what came of the interrupted creation.
    on_stack(journal, "journal", "refresh", "--clear-pending-creates", "--expect-no-changes", *AT_ONCE)
    assert not checkpoint(journal, "journal").get("pending_operations")
    on_stack(journal, "journal", "up", "--expect-no-changes", *AT_ONCE)


def test_a_product_is_let_go_as_the_document_says(whole_journal: Any, tmp_path: Path) -> None:
    world = whole_journal
    scripts = world.scripts("ledger", tmp_path / "scripts", install_sh="echo journal > /opt/journal\n")
    assert world.image("journal", scripts).build().available
    images, parameters, versions = world.amis("journal"), world.parameters("journal"), script_versions(world)
    assert images
    assert parameters
    assert versions
    before, made, immutable = inventory(world), recorded(world, "journal"), held_versions(world, "golden-ami-journal")
    assert immutable

    refused = on_stack(world, "journal", "destroy", "--preview-only", code=1)
    # What others depend on is not named: its dependants are refused before it.
    named = {name for name in made if f'::{name}" cannot be deleted' in refused}
    assert {"journal-image-key-eu-west-1", "journal-scripts-policy"} <= named <= PROTECTED, refused
    with pytest.raises(StackError, match="cannot be deleted"):
        world.stacks.destroy("journal")
    assert (inventory(world), recorded(world, "journal")) == (before, made)

    on_stack(world, "journal", "destroy", "--exclude-protected", *AT_ONCE)
    assert inventory(world) == OF_OTHERS
    assert recorded(world, "journal").keys() - PROTECTED == set()
    assert keys(world) == all_keys("Enabled")
    assert held_versions(world, "golden-ami-journal") == immutable
    assert script_versions(world) == versions
    assert world.client("s3").get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert world.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]
    assert (world.amis("journal"), world.parameters("journal")) == (images, parameters)

    on_stack(world, "journal", "up", *AT_ONCE)
    assert inventory(world) == before
    assert held_versions(world, "golden-ami-journal") > immutable
    assert recorded(world, "journal").keys() == made.keys()
    assert {name: recorded(world, "journal")[name] for name in PROTECTED} == {name: made[name] for name in PROTECTED}

    engine(world, "state", "unprotect", "--all", "--yes", "--stack", "journal")
    not_empty = on_stack(world, "journal", "destroy", *AT_ONCE, code=1)
    assert "BucketNotEmpty" in not_empty
    assert script_versions(world) == versions
    empty(world)
    on_stack(world, "journal", "destroy", *AT_ONCE)
    assert recorded(world, "journal") == {}
    assert keys(world) == all_keys("PendingDeletion")
    assert inventory(world) == OF_OTHERS
    assert BUCKET not in {each["Name"] for each in world.client("s3").list_buckets()["Buckets"]}
    assert (world.amis("journal"), world.parameters("journal")) == (images, parameters)
