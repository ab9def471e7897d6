"""Which stacks a change can affect."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.affected import Change, affected, bases_of, removed
from commands.project import PROJECT, CommandError
from tests.local.check.repositories import git

PRODUCTS = {"journal": "ledger", "ledger": None, "archive": "journal", "payroll": None}
ALL = ("landing-zone", "ledger", "journal", "archive", "payroll")


@pytest.mark.parametrize(
    ("path", "stacks"),
    [
        ("stacks/Pulumi.payroll.yaml", ("payroll",)),
        ("stacks/payroll/banner.yaml", ("payroll",)),
        ("stacks/Pulumi.ledger.yaml", ("ledger", "journal", "archive")),
        ("stacks/Pulumi.landing-zone.yaml", ALL),
        ("stacks/landing-zone/hardening.yaml", ALL),
        ("components/encryption.py", ALL),
        ("policies/waivers.yaml", ALL),
        ("requirements-functions.txt", ALL),
        ("__main__.py", ALL),
        ("stacks/schemas/product.schema.json", ()),
        ("stacks/Pulumi.gone.yaml", ()),
        ("requirements-local.txt", ()),
        ("commands/access.py", ()),
        ("docs/policies.md", ()),
        ("components.md", ()),
    ],
)
def test_a_file_affects_the_stacks_that_are_made_of_it_and_what_starts_from_them(
    path: str, stacks: tuple[str, ...]
) -> None:
    assert affected([path], PRODUCTS) == stacks


def test_several_files_are_one_change() -> None:
    assert affected(["docs/a.md", "stacks/Pulumi.payroll.yaml", "stacks/Pulumi.archive.yaml"], PRODUCTS) == (
        "archive",
        "payroll",
    )


def test_products_that_start_from_each_other_come_to_an_end() -> None:
    assert set(affected(["stacks/Pulumi.a.yaml"], {"a": "b", "b": "a"})) == {"a", "b"}


def test_products_whose_files_are_gone_are_known() -> None:
    paths = ["stacks/Pulumi.gone.yaml", "stacks/Pulumi.ledger.yaml", "stacks/Pulumi.landing-zone.yaml", "stacks/x/y.md"]
    assert removed(paths, PRODUCTS) == ("gone",)


def test_the_examples_start_from_no_product() -> None:
    assert set(bases_of(PROJECT).values()) == {None}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / "altered.txt").write_text("before")
    (tmp_path / "removed.txt").write_text("removed")
    (tmp_path / ".gitignore").write_text("ignored.txt\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=base")
    return tmp_path


def test_a_change_is_all_that_differs_from_where_it_left_its_base(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "switch", "--quiet", "--create", "change")
    (repository / "altered.txt").write_text("after")
    (repository / "removed.txt").unlink()
    git(repository, "commit", "--quiet", "--all", "--message=change")
    (repository / "ä new.txt").write_text("untracked")
    (repository / "ignored.txt").write_text("ignored")
    # What others do on the base meanwhile is no part of it.
    git(repository, "switch", "--quiet", "main")
    (repository / "elsewhere.txt").write_text("elsewhere")
    git(repository, "add", "elsewhere.txt")
    git(repository, "commit", "--quiet", "--message=elsewhere")
    git(repository, "switch", "--quiet", "change")
    change = Change(repository, "main")
    assert (change.commit, change.paths) == (base, ("altered.txt", "removed.txt", "ä new.txt"))


def test_a_base_that_git_does_not_know_is_told_with_what_to_do(repository: Path) -> None:
    with pytest.raises(CommandError, match="knows no commit 'origin/main' here; fetch it"):
        Change(repository, "origin/main")


def test_a_base_that_shares_nothing_is_told_with_what_to_do(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--orphan", "other")
    git(repository, "commit", "--quiet", "--allow-empty", "--message=other")
    with pytest.raises(CommandError, match="share no commit here; fetch the whole history"):
        Change(repository, "main")
