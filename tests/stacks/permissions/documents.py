"""Every policy document of the Linux example as it is deployed, read and changed through AWS's API."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from model.names import DISTRIBUTION_ROLE
from tests.stacks.world import World

PRODUCT = "ledger"
HUB = "111111111111"

Document = dict[str, Any]
Change = Callable[[Document], None]


@dataclass(frozen=True)
class DeployedDocument:
    """One document: how it is read, and put back."""

    read: Callable[[], Document]
    write: Callable[[Document], object]

    @contextmanager
    def changed(self, change: Change) -> Generator[None]:
        """Deploy it with a change, and as it was afterwards."""
        before = self.read()
        after = copy.deepcopy(before)
        change(after)
        assert after != before
        self.write(after)
        try:
            yield
        finally:
            self.write(before)

    def without(self, sid: str) -> Change:
        """The change that takes one statement out."""

        def change(document: Document) -> None:
            document["Statement"] = [entry for entry in document["Statement"] if entry["Sid"] != sid]

        return change


def documents(world: World) -> Mapping[str, DeployedDocument]:
    """All documents of the product and its landing zone, by a name that says what they are."""
    plan, names = world.session.files.plan(PRODUCT), world.session.files.names(PRODUCT)
    found: dict[str, DeployedDocument] = {
        "bucket": _bucket(world, names.bucket),
        "queue": _queue(world, names.dead_letter_queue),
        "topic": _topic(world, names.topic_arn),
        "data key": _key(world, f"alias/golden-ami/{PRODUCT}/data", names.region),
    }
    for region in plan.key_regions:
        found[f"image key in {region}"] = _key(world, f"alias/golden-ami/{PRODUCT}/image", region)
    for function in (names.start_function, names.report_function):
        stem = function.removeprefix(f"{names.stem}-")
        found[f"permissions of {stem}"] = _function(world, function)
        found |= _role(world, HUB, function, stem, "work")
    found |= _role(world, HUB, names.execution_role, "execution", "build-and-distribute")
    found |= _role(world, HUB, names.instance_role, "build instance", "read-pinned-build")
    for account in plan.target_accounts:
        found |= _role(world, account, DISTRIBUTION_ROLE, f"distribution to {account}", "use-image-keys-and-channels")
    for consumer in plan.consumers:
        policies = [f"golden-ami-{PRODUCT}-image-key"]
        policies += [f"golden-ami-{PRODUCT}-launch"] if consumer.create else []
        for policy in policies:
            label = policy.removeprefix(f"golden-ami-{PRODUCT}-")
            found[f"{label} policy of {consumer.name}"] = _role_policy(world, consumer.account, consumer.name, policy)
        if consumer.create:
            found[f"trust of {consumer.name}"] = _trust(world, consumer.account, consumer.name)
    for uploader in plan.uploaders:
        policy = f"{names.stem}-upload"
        found[f"upload policy of {uploader.name}"] = _role_policy(world, uploader.account, uploader.name, policy)
    return found


def _role(world: World, account: str, role: str, label: str, policy: str) -> dict[str, DeployedDocument]:
    return {
        f"policy of {label}": _role_policy(world, account, role, policy),
        f"trust of {label}": _trust(world, account, role),
    }


def _role_policy(world: World, account: str, role: str, policy: str) -> DeployedDocument:
    iam = world.client("iam", account)

    def write(document: Document) -> None:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))

    return DeployedDocument(lambda: iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"], write)


def _trust(world: World, account: str, role: str) -> DeployedDocument:
    iam = world.client("iam", account)

    def write(document: Document) -> None:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))

    return DeployedDocument(lambda: iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"], write)


def _key(world: World, alias: str, region: str) -> DeployedDocument:
    kms = world.client("kms", HUB, region)
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]

    def write(document: Document) -> None:
        # A root may always write a policy, whatever the policy that it replaces says; here nobody is locked out.
        kms.put_key_policy(
            KeyId=key, PolicyName="default", Policy=json.dumps(document), BypassPolicyLockoutSafetyCheck=True
        )

    return DeployedDocument(lambda: json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]), write)


def _bucket(world: World, bucket: str) -> DeployedDocument:
    s3 = world.client("s3")
    return DeployedDocument(
        lambda: json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
        lambda document: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document)),
    )


def _queue(world: World, queue: str) -> DeployedDocument:
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def read() -> Document:
        return json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])

    def write(document: Document) -> None:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})

    return DeployedDocument(read, write)


def _topic(world: World, arn: str) -> DeployedDocument:
    sns = world.client("sns")

    def write(document: Document) -> None:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(document))

    return DeployedDocument(lambda: json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]), write)


def _function(world: World, function: str) -> DeployedDocument:
    """A function's resource policy, which is changed statement by statement."""
    functions = world.client("lambda")

    def read() -> Document:
        try:
            return json.loads(functions.get_policy(FunctionName=function)["Policy"])
        except functions.exceptions.ResourceNotFoundException:
            return {"Statement": []}

    def write(document: Document) -> None:
        for entry in read()["Statement"]:
            functions.remove_permission(FunctionName=function, StatementId=entry["Sid"])
        for entry in document["Statement"]:
            conditions: dict[str, Any] = entry.get("Condition", {})
            sources: dict[str, str] = {
                key: value for operator in conditions.values() for key, value in operator.items()
            }
            optional = {"SourceArn": sources.get("AWS:SourceArn"), "SourceAccount": sources.get("AWS:SourceAccount")}
            functions.add_permission(
                FunctionName=function,
                StatementId=entry["Sid"],
                Action=entry["Action"],
                Principal=entry["Principal"]["Service"],
                **{name: value for name, value in optional.items() if value},
            )

    return DeployedDocument(read, write)
