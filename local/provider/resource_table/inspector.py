"""What Amazon Inspector scans in an account (Amazon Inspector API reference, Enable, Disable)."""

from __future__ import annotations

from typing import Any

from local.provider.difference import SET, Comparison
from local.provider.errors import ProviderError
from local.provider.resource_type import PROPAGATION_TIMEOUT, ResourceType, Setting
from local.provider.waiting import until
from local.provider.work import Work

KINDS = {
    "codeRepository": "CODE_REPOSITORY",
    "ec2": "EC2",
    "ecr": "ECR",
    "lambda": "LAMBDA",
    "lambdaCode": "LAMBDA_CODE",
}
"""Members of an account's state to the types that Enable takes."""


def _enabled(work: Work, accounts: list[str]) -> dict[str, set[str]]:
    """What is scanned, by account."""
    answer = work.call("BatchGetAccountStatus", accountIds=accounts)["accounts"]
    return {
        account["accountId"]: {
            KINDS[kind] for kind, state in account["resourceState"].items() if state["status"] == "ENABLED"
        }
        for account in answer
    }


def _switch(work: Work, operation: str, accounts: list[str], kinds: set[str]) -> None:
    if not kinds:
        return
    failed = work.call(operation, accountIds=accounts, resourceTypes=sorted(kinds)).get("failedAccounts") or ()
    if failed:
        raise ProviderError(f"{operation}: {failed[0].get('errorCode')}: {failed[0].get('errorMessage')}")
    on = operation == "Enable"
    until(
        lambda: all(kinds <= found if on else not kinds & found for found in _enabled(work, accounts).values()),
        f"Inspector to {operation.lower()} {', '.join(sorted(kinds))}",
        PROPAGATION_TIMEOUT,
    )


def _create(work: Work) -> str:
    accounts, kinds = sorted(work.inputs["accountIds"]), sorted(work.inputs["resourceTypes"])
    _switch(work, "Enable", accounts, set(kinds))
    return f"{':'.join(accounts)}-{':'.join(kinds)}"


def _read(work: Work) -> dict[str, Any] | None:
    accounts = sorted(work.known("accountIds"))
    found = _enabled(work, accounts)
    common = set[str].intersection(*found.values()) if found else set[str]()
    return {"accountIds": accounts, "resourceTypes": sorted(common)} if common else None


def _update(work: Work) -> None:
    accounts, wanted = sorted(work.inputs["accountIds"]), set(work.inputs["resourceTypes"])
    present = set[str]().union(*_enabled(work, accounts).values())
    _switch(work, "Enable", accounts, wanted - present)
    _switch(work, "Disable", accounts, present - wanted)


def _delete(work: Work) -> None:
    _switch(work, "Disable", sorted(work.known("accountIds")), set(work.known("resourceTypes")))


ROWS = (
    ResourceType(
        token="aws:inspector2/enabler:Enabler",
        service="inspector2",
        create=_create,
        created_with=frozenset({"accountIds", "resourceTypes"}),
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(Setting(frozenset({"resourceTypes"}), _update),),
        delete=_delete,
        comparison=Comparison({"accountIds": SET, "resourceTypes": SET}),
    ),
)
