"""What a change gets before it is merged, by the command itself in a repository of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ci.pipelines import CHECK, commands_of
from tests.local.check.repositories import bare_environment, edit, exit_code_of, git, made_repository, run

pytestmark = pytest.mark.stack


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one product, whose first commit is the base."""
    return made_repository(tmp_path)


def check(repository: Path) -> tuple[int, str]:
    """Exit code of the check against the first commit, as a pull request gets it, and what it said."""
    (command,) = [command for command in commands_of(CHECK) if "check-products" in command]
    _, said = run(CHECK, command, repository, bare_environment(BASE="main"))
    return exit_code_of(said), said


def report_of(repository: Path) -> str:
    return (repository / ".local" / "check" / "report.md").read_text(encoding="utf-8")


def test_a_change_that_breaks_a_rule_and_ends_a_key_is_refused_and_told(repository: Path) -> None:
    edit(repository / "components" / "build_instances.py", r"response_hop_limit=1\b", "response_hop_limit=2")
    edit(repository / "stacks" / "Pulumi.ledger.yaml", r"      - region: eu-west-1\n        [^\n]*\n", "")
    code, said = check(repository)
    report = report_of(repository)
    assert code == 1, said
    assert "| landing-zone |  |  |  |  | keeps every rule |" in report
    assert "| ledger |  | 7 |  | 3 | 1 violation, 1 refused ending |" in report
    assert "| imagebuilder-infrastructure-require-metadata-tokens | ledger-images-instances-infrastructure: " in report
    assert "**Refused: ledger-image-key-eu-west-1 (aws:kms/replicaKey:ReplicaKey) would be deleted.**" in report
    assert "role/ledger-instances | eu-west-1 | can | **not a consumer** |" in report
    page = (repository / ".local" / "check" / "report.html").read_text(encoding="utf-8")
    assert "<strong>ledger-image-key-eu-west-1</strong>" in page
    # Nothing is left: neither a work tree nor a cloud.
    assert git(repository, "worktree", "list").count("\n") == 1
    assert not (repository / ".local" / "check" / "base").exists()
    assert not any((repository / ".local" / "check" / "cloud").glob("*.pid"))


def test_a_key_whose_end_the_products_file_allows_and_a_waiver_that_nothing_needs(repository: Path) -> None:
    product = repository / "stacks" / "Pulumi.ledger.yaml"
    edit(product, r"      - region: eu-west-1\n        [^\n]*\n", "")
    edit(product, r"    consumers:\n", "    allowedDeletions: [keys]\n    consumers:\n")
    edit(
        repository / "policies" / "waivers.yaml",
        r"^(.*)$",
        r"""\1
  - rule: kms-key-enable-rotation
    resource: "nothing-*"
    owner: team@example.com
    reason: Nothing needs it.
    expires: 2099-12-31
""",
    )
    code, said = check(repository)
    report = report_of(repository)
    assert code == 1, said
    assert "| ledger |  | 6 |  | 3 | keeps every rule |" in report
    assert "ledger-image-key-eu-west-1 is protected: lift that with `pulumi state unprotect`" in report
    assert "nothing needs the waiver kms-key-enable-rotation of nothing-" in said
    assert "Refused" not in report


def test_what_affects_no_stack_is_clean_at_once(repository: Path) -> None:
    (repository / "README.md").write_text("Another text.\n", encoding="utf-8")
    code, said = check(repository)
    assert (code, report_of(repository).splitlines()[1]) == (0, "## The change affects no stack."), said


def test_a_waiver_that_has_expired_fails_the_check_of_every_change(repository: Path) -> None:
    edit(repository / "policies" / "waivers.yaml", r"^(.*?expires: )[^\n]*", r"\g<1>2026-01-31")
    git(repository, "commit", "--all", "--quiet", "--message=the day is over")
    (repository / "README.md").write_text("Another text.\n", encoding="utf-8")
    code, said = check(repository)
    assert code == 1, said
    assert "expired on 2026-01-31" in " ".join(report_of(repository).split())
    assert "cloud-platform@example.com renew it" in " ".join(said.split())


def test_a_product_whose_file_goes_before_its_stack_fails_the_check(repository: Path) -> None:
    (repository / "stacks" / "Pulumi.ledger.yaml").unlink()
    code, said = check(repository)
    assert code == 1, said
    assert "destroy ledger first" in " ".join(report_of(repository).split())


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda root: edit(root / "stacks" / "Pulumi.ledger.yaml", "ledger-instances", "42"), "Pulumi.ledger.yaml"),
        (lambda root: git(root, "branch", "--move", "main", "trunk"), "git knows no commit 'main' here"),
    ],
    ids=["a file that cannot be read", "a base that git does not know"],
)
def test_what_keeps_the_check_from_its_end_is_told_in_its_words(
    repository: Path, break_it: Callable[[Path], object], told: str
) -> None:
    break_it(repository)
    (repository / ".local" / "check").mkdir()
    (repository / ".local" / "check" / "report.md").write_text("of another check", encoding="utf-8")
    code, said = check(repository)
    assert code == 2
    assert not (repository / ".local" / "check" / "report.md").exists()
    assert told in said
    assert "Traceback" not in said
