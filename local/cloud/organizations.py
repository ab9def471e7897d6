"""AWS Organizations: which accounts belong together, and where in the tree of units.

In front of ministack, where every account is its own organisation and none can be invited. Policies of organisations
are not kept. Sources: API Reference; IAM User Guide, "AWS global condition context keys", aws:PrincipalOrgPaths.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.service import Operation

HANDSHAKE_DAYS = 15
"""Days that an invitation waits (User Guide, "Inviting an account to join your organization")."""


@dataclass
class Unit:
    """An organisational unit, or the root where it has no parent."""

    id: str
    name: str
    parent: str | None = None


@dataclass
class Organization:
    """One organisation: its tree, and the unit of each account."""

    id: str
    management: str
    units: dict[str, Unit]
    accounts: dict[str, str] = field(default_factory=dict[str, str])
    joined: dict[str, datetime] = field(default_factory=dict[str, datetime])

    @property
    def arn(self) -> str:
        """ARN of the organisation."""
        return self._arn("organization")

    @property
    def root(self) -> Unit:
        """The root of its tree."""
        return next(unit for unit in self.units.values() if unit.parent is None)

    def unit_arn(self, unit: Unit) -> str:
        """ARN of a unit or of the root."""
        return f"{self._arn('ou' if unit.parent else 'root')}/{unit.id}"

    def account_arn(self, account: str) -> str:
        """ARN of a member."""
        return f"{self._arn('account')}/{account}"

    def above(self, unit_id: str) -> list[Unit]:
        """A unit with all that is above it, the root first."""
        unit = self.units[unit_id]
        return [*(self.above(unit.parent) if unit.parent else []), unit]

    def path(self, unit_id: str) -> str:
        """A unit's place as `aws:PrincipalOrgPaths` names it."""
        return "/".join([self.id, *(unit.id for unit in self.above(unit_id)), ""])

    def _arn(self, kind: str) -> str:
        return f"arn:aws:organizations::{self.management}:{kind}/{self.id}"


@dataclass
class Handshake:
    """An invitation of an account."""

    id: str
    organization: Organization
    account: str
    asked: datetime
    state: str = "REQUESTED"


class Organizations:
    """The organisations of this cloud, by their management accounts."""

    name = "organizations"
    whole = True

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.RLock()
        self._organizations: dict[str, Organization] = {}
        self._handshakes: dict[str, Handshake] = {}
        self.operations: Mapping[str, Operation] = {
            "AcceptHandshake": self._accept,
            "CreateOrganization": self._create,
            "CreateOrganizationalUnit": self._create_unit,
            "DescribeOrganization": self._describe,
            "InviteAccountToOrganization": self._invite,
            "ListAccounts": self._list_accounts,
            "ListRoots": self._list_roots,
            "MoveAccount": self._move,
        }

    @staticmethod
    def resource_of(call: Call) -> str:
        """Decisions are made for all resources together."""
        return "*"

    def reset(self) -> None:
        """Forget everything."""
        self._organizations.clear()
        self._handshakes.clear()

    def memberships(self, account: str) -> frozenset[str]:
        """ARNs of the organisation and of all units that an account is in."""
        found = self._of(account)
        if found is None:
            return frozenset()
        units = found.above(found.accounts[account])
        return frozenset({found.arn, *(found.unit_arn(unit) for unit in units)})

    def path(self, account: str) -> str | None:
        """An account's `aws:PrincipalOrgPaths`; None where it is in no organisation."""
        found = self._of(account)
        return found.path(found.accounts[account]) if found else None

    def _of(self, account: str) -> Organization | None:
        with self._lock:
            return next((one for one in self._organizations.values() if account in one.accounts), None)

    def _own(self, call: Call) -> Organization:
        """The caller's organisation, for what its members may see."""
        found = self._of(call.caller.account)
        if found is None:
            raise ServiceError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        return found

    def _managed(self, call: Call) -> Organization:
        """The caller's organisation, for what its management account alone may do."""
        found = self._own(call)
        if found.management != call.caller.account:
            raise ServiceError("AccessDeniedException", "You don't have permissions to access this resource.")
        return found

    def _create(self, call: Call) -> dict[str, Any]:
        account = call.caller.account
        with self._lock:
            if self._of(account):
                message = "The AWS account is already a member of an organization."
                raise ServiceError("AlreadyInOrganizationException", message)
            root = Unit(f"r-{secrets.token_hex(2)}", "Root")
            made = Organization(f"o-{secrets.token_hex(5)}", account, {root.id: root})
            self._organizations[account] = made
            self._join(made, account)
        return {"Organization": _shown(made)}

    def _join(self, organization: Organization, account: str) -> None:
        organization.accounts[account] = organization.root.id
        organization.joined[account] = self._gateway.clock.now()

    def _describe(self, call: Call) -> dict[str, Any]:
        return {"Organization": _shown(self._own(call))}

    def _list_roots(self, call: Call) -> dict[str, Any]:
        found = self._managed(call)
        root = found.root
        return {"Roots": [{"Id": root.id, "Arn": found.unit_arn(root), "Name": root.name, "PolicyTypes": []}]}

    def _list_accounts(self, call: Call) -> dict[str, Any]:
        found = self._managed(call)
        accounts = [
            {
                "Id": account,
                "Arn": found.account_arn(account),
                "Email": f"{account}@example.com",
                "Name": account,
                "Status": "ACTIVE",
                "State": "ACTIVE",
                "Paths": [f"{found.path(unit)}{account}/"],
                "JoinedMethod": "INVITED",
                "JoinedTimestamp": found.joined[account],
            }
            for account, unit in found.accounts.items()
        ]
        return {"Accounts": accounts}

    def _create_unit(self, call: Call) -> dict[str, Any]:
        found, given = self._managed(call), call.parameters
        with self._lock:
            _check_parent(found, given["ParentId"], "ParentNotFoundException")
            if any((one.parent, one.name) == (given["ParentId"], given["Name"]) for one in found.units.values()):
                message = "An OU with the same name already exists."
                raise ServiceError("DuplicateOrganizationalUnitException", message)
            stem = found.root.id.removeprefix("r-")
            unit = Unit(f"ou-{stem}-{secrets.token_hex(4)}", given["Name"], given["ParentId"])
            found.units[unit.id] = unit
        shown = {"Id": unit.id, "Arn": found.unit_arn(unit), "Name": unit.name, "Path": found.path(unit.id)}
        return {"OrganizationalUnit": shown}

    def _invite(self, call: Call) -> dict[str, Any]:
        found, target = self._managed(call), call.parameters["Target"]
        if target["Type"] != "ACCOUNT":
            raise ServiceError("InvalidInputException", "The local cloud invites accounts by their ids.")
        account = target["Id"]
        with self._lock:
            if self._of(account):
                message = "The account is already a member of an organization."
                raise ServiceError("HandshakeConstraintViolationException", message)
            if any(one.account == account and one.state == "REQUESTED" for one in self._handshakes.values()):
                raise ServiceError("DuplicateHandshakeException", "An identical handshake is already in progress.")
            made = Handshake(f"h-{secrets.token_hex(4)}", found, account, self._gateway.clock.now())
            self._handshakes[made.id] = made
        return {"Handshake": _handshake(made)}

    def _accept(self, call: Call) -> dict[str, Any]:
        with self._lock:
            found = self._handshakes.get(call.parameters["HandshakeId"])
            if found is None or found.account != call.caller.account:
                raise ServiceError("HandshakeNotFoundException", "The handshake does not exist.")
            if found.state != "REQUESTED":
                raise ServiceError("HandshakeAlreadyInStateException", f"The handshake is {found.state}.")
            found.state = "ACCEPTED"
            self._join(found.organization, found.account)
        return {"Handshake": _handshake(found)}

    def _move(self, call: Call) -> dict[str, Any]:
        found, given = self._managed(call), call.parameters
        account = given["AccountId"]
        with self._lock:
            if account not in found.accounts:
                raise ServiceError("AccountNotFoundException", f"{account} is not in the organization.")
            _check_parent(found, given["DestinationParentId"], "DestinationParentNotFoundException")
            if found.accounts[account] != given["SourceParentId"]:
                message = f"{account} is not in {given['SourceParentId']}."
                raise ServiceError("SourceParentNotFoundException", message)
            found.accounts[account] = given["DestinationParentId"]
        return {}


def _check_parent(organization: Organization, parent: str, code: str) -> None:
    if parent not in organization.units:
        raise ServiceError(code, f"We can't find a root or OU with the ID {parent}.")


def _shown(organization: Organization) -> dict[str, Any]:
    return {
        "Id": organization.id,
        "Arn": organization.arn,
        "FeatureSet": "ALL",
        "MasterAccountArn": organization.account_arn(organization.management),
        "MasterAccountId": organization.management,
        "MasterAccountEmail": f"{organization.management}@example.com",
        "AvailablePolicyTypes": [],
    }


def _handshake(handshake: Handshake) -> dict[str, Any]:
    organization = handshake.organization
    stem = f"arn:aws:organizations::{organization.management}:handshake/{organization.id}/invite"
    return {
        "Id": handshake.id,
        "Arn": f"{stem}/{handshake.id}",
        "Parties": [
            {"Id": organization.id.removeprefix("o-"), "Type": "ORGANIZATION"},
            {"Id": handshake.account, "Type": "ACCOUNT"},
        ],
        "State": handshake.state,
        "RequestedTimestamp": handshake.asked,
        "ExpirationTimestamp": handshake.asked + timedelta(days=HANDSHAKE_DAYS),
        "Action": "INVITE",
        "Resources": [{"Type": "ORGANIZATION", "Value": organization.id}],
    }
