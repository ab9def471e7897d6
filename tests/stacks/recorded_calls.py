"""What deployed policies grant, held against the calls that the local cloud recorded.

The cloud's journal names no source of a service's call and no condition keys. So two statements of one document that
differ in nothing else are called together; that each of them is needed is shown by `tests/stacks/permissions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.cloud.journal import RecordedCall
from model.conditions import matches_wildcards
from model.names import data_key_alias, distribution_role_arn, role_arn
from tests.model.policy_linter import expanded, listed
from tests.stacks.never_called import NeverCalled
from tests.stacks.permissions.documents import PRODUCT, documents
from tests.stacks.world import World

DEPLOYMENT_ROLE = "golden-ami-deployment"


@dataclass(frozen=True, order=True)
class Grant:
    """One action of one statement; `holder` is the ARN of the role or resource that the statement belongs to."""

    holder: str
    sid: str
    action: str

    def __str__(self) -> str:
        return f"{self.holder}: {self.sid}: {self.action}"


@dataclass(frozen=True)
class Allowing:
    """A statement that allows something, and to whom: ARNs, services, or `arn:aws:iam::<account>:*` for an account."""

    holder: str
    sid: str
    callers: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    @property
    def grants(self) -> set[Grant]:
        """Its actions one by one; AWS's reference says what a wildcard stands for."""
        return {Grant(self.holder, self.sid, action) for action in expanded(self.actions)}

    def covers(self, call: RecordedCall) -> bool:
        """Whether it allows a call, as far as a journal tells."""
        return (
            any(matches_wildcards(caller, call.principal) for caller in self.callers)
            and any(matches_wildcards(action, call.action, ignore_case=True) for action in self.actions)
            and any(matches_wildcards(resource, call.resource) for resource in self.resources)
        )


@dataclass(frozen=True)
class Deployed:
    """Everything that is granted to a product's roles, and by its resources to AWS's services.

    `own` are the statements that the program or its deployment roles' account set-up writes for roles, `foreign` those
    of managed policies and of whoever made a role before; `resources` are those of trust policies, and what other
    resources' policies grant to services.
    """

    own: tuple[Allowing, ...]
    foreign: tuple[Allowing, ...]
    resources: tuple[Allowing, ...]

    @property
    def grants(self) -> set[Grant]:
        """What must be called, or listed."""
        return {grant for statement in (*self.own, *self.resources) for grant in statement.grants}

    def ungranted(self, calls: Iterable[RecordedCall]) -> list[str]:
        """Calls that were let through, and that nothing here grants to whoever made them."""
        roles = {statement.holder for statement in (*self.own, *self.foreign)}
        resources = {statement.holder for statement in self.resources}
        found: set[str] = set()
        for call in calls:
            text = f"{call.principal}: {call.action} on {call.resource}"
            sides: list[Sequence[Allowing]] = []
            if call.principal in roles:
                sides.append((*self.own, *self.foreign))
            if call.resource in resources and (
                call.action == "sts:AssumeRole" or not call.principal.startswith("arn:")
            ):
                sides.append(self.resources)
            if call.allowed and not all(any(statement.covers(call) for statement in side) for side in sides):
                found.add(text)
        return sorted(found)

    def called(self, calls: Iterable[RecordedCall]) -> set[Grant]:
        """What was made use of."""
        found: set[Grant] = set()
        for call in calls:
            if call.allowed:
                covering = (each for each in (*self.own, *self.resources) if each.covers(call))
                found |= {Grant(statement.holder, statement.sid, call.action) for statement in covering}
        return found

    def unexplained(self, calls: Iterable[RecordedCall], never_called: Iterable[NeverCalled]) -> list[str]:
        """Where what is granted, what is called and the list of what never is do not agree."""
        granted, called = self.grants, self.called(calls)
        seen: set[Grant] = set()
        found: list[str] = []
        for entry in never_called:
            of_statement = {
                each for each in granted if each.sid == entry.sid and matches_wildcards(entry.holder, each.holder)
            }
            for action in sorted(expanded(entry.actions)) or [None]:
                meant = {each for each in of_statement if action in {None, each.action}}
                if not meant:
                    found.append(f"{entry.holder}: {entry.sid}: {action or 'the statement'}: listed, and not granted")
                found += [f"{each}: listed, and called" for each in meant & called]
                found += [f"{each}: listed twice" for each in meant & seen]
                seen |= meant
        found += [f"{each}: neither called nor listed" for each in granted - called - seen]
        return sorted(found)


def deployed(world: World) -> Deployed:
    """What the Linux example and its landing zone have deployed, read through AWS's API."""
    plan, names = world.session.files.plan(PRODUCT), world.session.files.names(PRODUCT)
    made = [
        *(role_arn(names.account, name) for name in (names.start_function, names.report_function)),
        *(role_arn(names.account, name) for name in (names.execution_role, names.instance_role)),
        *(distribution_role_arn(account) for account in plan.target_accounts),
        *(role_arn(account, DEPLOYMENT_ROLE) for account in (names.account, *plan.target_accounts)),
        *(consumer.arn for consumer in plan.consumers if consumer.create),
    ]
    existing = [
        *(consumer.arn for consumer in plan.consumers if not consumer.create),
        *(uploader.arn for uploader in plan.uploaders),
    ]
    own: list[Allowing] = []
    foreign: list[Allowing] = []
    trusts: list[Allowing] = []
    for role in made:
        for document in _inline(world, role).values():
            own += _of_role(role, document)
        foreign += _managed(world, role)
        trust = _iam(world, role).get_role(RoleName=_name(role))["Role"]["AssumeRolePolicyDocument"]
        trusts += _of_resource(role, trust)
    for role in existing:
        for name, document in _inline(world, role).items():
            (own if name.startswith(f"{names.stem}-") else foreign).extend(_of_role(role, document))
    return Deployed(tuple(own), tuple(foreign), (*trusts, *_to_services(world)))


def _to_services(world: World) -> list[Allowing]:
    names = world.session.files.names(PRODUCT)
    data_key = world.client("kms").describe_key(KeyId=data_key_alias(PRODUCT))["KeyMetadata"]["Arn"]
    holders = {
        "permissions of start-build": names.function_arn(names.start_function),
        "permissions of report-outcome": names.function_arn(names.report_function),
        "queue": names.dead_letter_queue_arn,
        "topic": names.topic_arn,
        "data key": data_key,
    }
    found = documents(world)
    statements = [each for label, arn in holders.items() for each in _of_resource(arn, found[label].read())]
    return [each for each in statements if not any(caller.startswith("arn:") for caller in each.callers)]


def _of_role(role: str, document: Mapping[str, Any]) -> list[Allowing]:
    return [
        Allowing(role, entry.get("Sid", ""), (role,), tuple(listed(entry["Action"])), tuple(listed(entry["Resource"])))
        for entry in document["Statement"]
        if entry["Effect"] == "Allow"
    ]


def _of_resource(arn: str, document: Mapping[str, Any]) -> list[Allowing]:
    """What a resource's policy allows; whatever resource it names, it stands for this one."""
    return [
        Allowing(arn, entry["Sid"], _callers(entry["Principal"]), tuple(listed(entry["Action"])), (arn,))
        for entry in document["Statement"]
        if entry["Effect"] == "Allow"
    ]


def _callers(principal: Mapping[str, str | list[str]]) -> tuple[str, ...]:
    names = [name for kind in principal.values() for name in listed(kind)]
    return tuple(name.removesuffix("root") + "*" if name.endswith(":root") else name for name in names)


def _inline(world: World, role: str) -> dict[str, Any]:
    iam, name = _iam(world, role), _name(role)
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return {each: iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in policies}


def _managed(world: World, role: str) -> list[Allowing]:
    iam = _iam(world, role)
    found: list[Allowing] = []
    for policy in iam.list_attached_role_policies(RoleName=_name(role))["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
        found += _of_role(role, answer["PolicyVersion"]["Document"])
    return found


def _iam(world: World, role: str) -> Any:
    return world.client("iam", role.split(":")[4])


def _name(role: str) -> str:
    return role.rsplit("/", 1)[-1]
