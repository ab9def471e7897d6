"""Generated requests, and policies on every side of them, that mostly bear on one another.

Left out is what ministack judges otherwise than AWS documents it:
- wildcards that would run over the colons of an ARN in a condition: "Each of the six colon-delimited components of the
  ARN is checked separately" (IAM User Guide, "IAM JSON policy elements: Condition operators");
- NotPrincipal, which ministack never matches (IAM User Guide, "AWS JSON policy elements: NotPrincipal");
- principals that name a role without its path, or by a pattern: "You cannot use a wildcard to match part of a principal
  name or ARN" (IAM User Guide, "AWS JSON policy elements: Principal");
- a multivalued key without values, which AWS takes for an absent one (IAM User Guide, "Single-valued vs. multivalued
  context keys"), and plain operators on such keys;
- `aws:ResourceAccount`, which ministack takes from the caller where the ARN names no account (IAM User Guide, "AWS
  global condition context keys").
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from model.access import Permissions, Principal, Request, ResourceSide
from tests.model.access_policies import HUB, KEY, OTHER, QUEUE, ROLE, TARGET, USER, policy, root

Statement = dict[str, Any]

OBJECT = "arn:aws:s3:::scripts/scripts/build.sh"
ACCOUNT_ROOT = root(TARGET)["AWS"]
TARGETS_KEY = KEY.replace(HUB, TARGET)

ACTIONS = {KEY: "kms:Decrypt", TARGETS_KEY: "kms:CreateGrant", QUEUE: "sqs:SendMessage", OBJECT: "s3:GetObject"}

NEGATABLE = ("", "Not")
SET_OPERATORS = ("ForAnyValue:", "ForAllValues:")
IF_EXISTS = ("", "", "IfExists")


@dataclass(frozen=True)
class Kind:
    """Condition keys of one type: their possible values, what policies compare them with, and the operators."""

    operators: tuple[str, ...]
    keys: tuple[str, ...]
    sent: tuple[str, ...]
    stated: tuple[str, ...]


def both(start: str, *ends: str) -> tuple[str, ...]:
    return tuple(f"{start}{negation}{end}" for negation in NEGATABLE for end in ends)


ARNS = (ROLE, OTHER, USER)
ARN_PATTERNS = ("arn:aws:iam::*:role/*", f"arn:aws:iam::{TARGET}:*", f"arn:*:iam::{TARGET}:role/*/?edger")
ORDER = ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals", "Equals", "NotEquals")
KINDS = (
    Kind(both("Arn", "Equals", "Like"), ("aws:PrincipalArn", "AWS:principalARN"), (), (*ARNS, *ARN_PATTERNS)),
    Kind(both("Arn", "Equals", "Like"), ("aws:SourceArn",), ARNS, (*ARNS, *ARN_PATTERNS)),
    Kind(
        both("String", "Equals", "Like", "EqualsIgnoreCase"),
        ("aws:PrincipalAccount", "kms:CallerAccount"),
        (),
        (TARGET, HUB, "2*", "1?1*"),
    ),
    Kind(both("String", "Equals"), ("aws:PrincipalType",), (), ("AssumedRole", "User", "Account")),
    Kind(
        both("String", "Equals", "Like", "EqualsIgnoreCase"),
        ("kms:ViaService", "s3:x-amz-acl"),
        ("ec2.us-east-1", "EC2.us-east-1", ""),
        ("ec2.us-east-1", "ec2.*", "*", "", "s3.???"),
    ),
    Kind(("Bool",), ("aws:SecureTransport", "kms:GrantIsForAWSResource"), ("true", "false"), ("true", "false")),
    Kind(tuple(f"Numeric{each}" for each in ORDER), ("s3:max-keys",), ("9", "10"), ("9", "9.5", "10")),
    Kind(
        tuple(f"Date{each}" for each in ORDER),
        ("aws:TokenIssueTime",),
        ("2025-03-01T12:00:00Z", "1740830400"),
        ("2025-03-01T13:00:00+01:00", "2025-03-01", "1740830401"),
    ),
    Kind(
        ("IpAddress", "NotIpAddress"),
        ("aws:VpcSourceIp",),
        ("192.0.2.7", "2001:db8::1"),
        ("192.0.2.0/24", "192.0.2.7", "198.51.100.0/24", "2001:db8::/32"),
    ),
)
TAG_KEYS = ("team", "cost", "owner")


def few(values: tuple[str, ...]) -> "st.SearchStrategy[Any]":
    one = st.sampled_from(values)
    return one | st.lists(one, min_size=1, max_size=3)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        kind = draw(st.sampled_from([*KINDS, None, None]))
        if kind is None:
            operator = draw(st.sampled_from(SET_OPERATORS)) + draw(st.sampled_from(both("String", "Equals", "Like")))
            found.setdefault(operator + draw(st.sampled_from(IF_EXISTS)), {})["aws:TagKeys"] = draw(few(TAG_KEYS))
        elif draw(st.integers(0, 5)) == 0:
            found.setdefault("Null", {})[draw(st.sampled_from(kind.keys))] = draw(st.sampled_from(["true", "false"]))
        else:
            quantifier = draw(st.sampled_from(["", "", "", *SET_OPERATORS]))
            operator = quantifier + draw(st.sampled_from(kind.operators)) + draw(st.sampled_from(IF_EXISTS))
            found.setdefault(operator, {})[draw(st.sampled_from(kind.keys))] = draw(few(kind.stated))
    return found


BESIDE = ({"AWS": [OTHER, USER]}, {"AWS": OTHER}, root(HUB), {"AWS": HUB}, {"Service": "ec2.amazonaws.com"})
PRINCIPALS = (
    "*", {"AWS": "*"}, {"AWS": [OTHER, ROLE]}, {"AWS": USER}, root(TARGET), {"AWS": TARGET}, {"AWS": [HUB, ROLE]},
    {"AWS": [ROLE, USER, TARGET]},
)  # fmt: skip


@st.composite
def mostly(draw: st.DrawFn, fitting: tuple[Any, ...], beside: tuple[Any, ...]) -> Any:
    return draw(st.sampled_from(beside if draw(st.integers(0, 5)) == 0 else fitting))


@st.composite
def statements(draw: st.DrawFn, resource: str, *, of_resource: bool) -> Statement:
    action = ACTIONS[resource]
    service = action.split(":")[0]
    statement: Statement = {"Effect": draw(st.sampled_from(["Allow"] * 7 + ["Deny"]))}
    if of_resource:
        statement["Principal"] = draw(mostly(PRINCIPALS, BESIDE))
    actions = (action, "*", f"{service}:*", action.upper(), action[:-1] + "?", [action, "ec2:*"])
    resources = ("*", resource, [OBJECT, KEY, TARGETS_KEY, QUEUE], resource[:-2] + "*", resource.replace("s", "?"))
    patterns = {
        "Action": mostly(actions, ("ec2:*", action[:-1])),
        "NotAction": mostly(("ec2:*",), actions),
        "Resource": mostly(resources, ("arn:aws:ec2:*", resource.upper(), resource + "?")),
        "NotResource": mostly(("arn:aws:ec2:*",), resources),
    }
    for element in ("Action", "Resource"):
        element = draw(mostly((element,), (f"Not{element}",)))
        statement[element] = draw(patterns[element])
    stated = draw(conditions())
    return {**statement, "Condition": stated} if stated else statement


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, str | tuple[str, ...]]:
    context: dict[str, str | tuple[str, ...]] = {"aws:RequestedRegion": "us-east-1"}
    for kind in KINDS:
        for key in kind.keys if kind.sent else ():
            if draw(st.booleans()):
                context[key] = draw(st.sampled_from(kind.sent))
    tags = draw(st.lists(st.sampled_from(TAG_KEYS), max_size=2))
    return {**context, "aws:tagkeys": tuple(tags)} if tags else context


@dataclass(frozen=True)
class Case:
    """One question to `decide`."""

    permissions: Permissions
    request: Request
    side: ResourceSide | None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A principal of the target account asks for a resource of its own account or of the hub."""
    arn = draw(st.sampled_from([ROLE, ROLE, ROLE, USER, USER, ACCOUNT_ROOT]))
    resource = draw(st.sampled_from([KEY, TARGETS_KEY, QUEUE, OBJECT]))

    def documents(of_resource: bool, least: int) -> Any:
        return draw(st.lists(statements(resource, of_resource=of_resource), min_size=least, max_size=2))

    policies = [policy(f"identity {number}", *documents(False, 1)) for number in range(draw(st.integers(0, 2)))]
    boundary = policy("boundary", *documents(False, 1)) if ":root" not in arn and draw(st.integers(0, 3)) == 0 else None
    side = None
    if draw(st.integers(0, 5)) != 0:
        stated = documents(True, 0)
        owner = {KEY: HUB, OBJECT: draw(st.sampled_from([HUB, TARGET]))}.get(resource, TARGET)
        side = ResourceSide(owner, policy("resource", *stated) if stated else None, ":kms:" in resource)
    request = Request(ACTIONS[resource], resource, draw(contexts()))
    return Case(Permissions(Principal(arn), tuple(policies), boundary), request, side)
