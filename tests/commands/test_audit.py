"""The audit of a deployed stack, and the page of the rules."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from commands import policies
from commands.audit import PACK, audited, show
from commands.project import PROJECT
from policies.rules.judgement import Judgement, Judgements
from policies.rules.waivers import Waiver

TODAY = date(2026, 12, 1)


def state(**outputs: Any) -> dict[str, Any]:
    return {"urn": "urn:l::log", "type": "aws:cloudwatch/logGroup:LogGroup", "outputs": outputs}


def export(*states: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(states)}}


GOOD = state(retentionInDays=365, kmsKeyId="arn:aws:kms:us-east-1:111111111111:key/0123")


def shown(found: Judgements) -> tuple[int, str]:
    text = io.StringIO()
    code = show(found, Console(file=text, width=160))
    return code, text.getvalue()


def test_a_stack_that_keeps_the_rules_passes() -> None:
    assert shown(audited(export(GOOD), TODAY)) == (0, "No violation.\n")


def test_every_violation_is_told_and_fails() -> None:
    code, text = shown(audited(export(state(retentionInDays=7)), TODAY))
    assert code == 1
    assert "logs-group-require-customer-key" in text
    assert "logs-group-require-retention" in text
    assert "2 violations." in text


def test_a_violation_names_the_line_of_the_file_that_decided_it() -> None:
    kind = "aws:imagebuilder/distributionConfiguration:DistributionConfiguration"
    bare = {"urn": f"urn:pulumi:ledger::golden-ami::{kind}::bare", "type": kind, "outputs": {}}
    (found,) = audited(export(bare), TODAY).violations
    (line,) = re.findall(r"\(stacks/Pulumi\.ledger\.yaml:(\d+), distribution\)$", found.message)
    text = (PROJECT / "stacks" / "Pulumi.ledger.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[int(line) - 1].strip() == "distribution:"


def test_what_is_waived_is_told_and_passes() -> None:
    waiver = Waiver("logs-group-require-retention", "log", "team@example.com", "short", date(2027, 1, 31))
    code, text = shown(Judgements((Judgement("logs-group-require-retention", "log", "too short", waiver=waiver),)))
    assert code == 0
    assert "waived until 2027-01-31 by team@example.com: log (logs-group-require-retention)" in text
    assert "No violation, 1 waived." in text


@pytest.mark.parametrize(("text", "code"), [(json.dumps(export(GOOD)), 0), ("{", 2), ("{}", 2)])
def test_the_command_reads_standard_input_and_shows_no_traceback(text: str, code: int) -> None:
    command = [sys.executable, "-m", "commands.audit"]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, cwd=PROJECT)
    assert answer.returncode == code, answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_page_of_the_rules_is_fresh() -> None:
    assert policies.PAGE.read_text(encoding="utf-8") == policies.page(), "make policies POLICIES=--write"


def test_every_rule_is_listed() -> None:
    text = io.StringIO()
    Console(file=text, width=300).print(policies.listed(policies.pack_waivers(TODAY)))
    assert [rule.name for rule in policies.RULES if rule.name not in text.getvalue()] == []


def test_the_pack_knows_the_accounts_of_the_example_landing_zone() -> None:
    stranger = {
        "urn": "urn:g::grant",
        "type": "aws:kms/grant:Grant",
        "outputs": {"granteePrincipal": "arn:aws:iam::999999999999:role/stranger"},
    }
    assert PACK.is_dir()
    assert [each.rule for each in audited(export(stranger), TODAY).violations] == ["kms-grant-scope-accounts"]
