"""The policy pack as a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from commands.pack import imported_modules, packed
from commands.project import PROJECT, CommandError


def test_the_folder_needs_nothing_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    files = packed(PROJECT, folder)
    script = (
        f"import sys; sys.path[:] = [p for p in sys.path if {str(PROJECT)!r} != p]; sys.path[:0] = [{str(folder)!r}]; "
        "import rules.catalogue, rules.enforcement, rules.landing_zone, rules.waivers; "
        "own = [m.__file__ for m in sys.modules.values() if m.__name__.split('.')[0] in ('model', 'rules')]; "
        f"sys.exit(repr([f for f in own if not f.startswith({str(folder)!r})] or 0))"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert answer.stderr.strip() in ("", "0"), answer.stderr
    assert folder / "waivers.yaml" in files
    definition = yaml.safe_load((folder / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert definition["runtime"] == {"name": "python", "options": {"virtualenv": "venv"}}


def test_its_requirements_are_pinned_as_the_programs(tmp_path: Path) -> None:
    packed(PROJECT, tmp_path / "policies")
    stated = (tmp_path / "policies" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("==")[0] for line in stated] == ["pulumi-policy", "pulumi", "PyYAML"]
    assert set(stated) <= set((PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines())


def test_a_pack_is_replaced_whole_and_anything_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    packed(PROJECT, folder)
    (folder / "rules" / "gone.py").write_text("", encoding="utf-8")
    assert folder / "rules" / "gone.py" not in packed(PROJECT, folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(CommandError, match="holds something else than a pack"):
        packed(PROJECT, tmp_path / "other")
    assert (tmp_path / "other" / "letter.txt").exists()


def test_modules_are_found_through_those_that_import_them() -> None:
    found = {file.name for file in imported_modules(PROJECT, [PROJECT / "policies" / "rules" / "launches.py"])}
    assert {"access.py", "conditions.py", "names.py"} <= found
    assert not any("files" in file.parts for file in imported_modules(PROJECT, [PROJECT / "model" / "access.py"]))
