"""The functions' layer: made of pinned wheels alone, the same each time, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from commands import function_layer
from commands.function_layer import make
from runtime.layer import PYTHON_VERSION, UNZIPPED_LIMIT, UPLOAD_LIMIT, FunctionLayer, LayerError

BROUGHT_BY_LAMBDA = {"boto3", "botocore"}

INSTALLED = {
    "bin/tool": "\x7fELF, says the tool",
    "bin/entry": "#!/this/machines/python\nimport one\n",
    "one/__init__.py": "number = 1\n",
    "one/__pycache__/__init__.cpython-311.pyc": "compiled",
    "one-1.0.dist-info/METADATA": "Name: one\n",
    **dict.fromkeys(("one-1.0.dist-info/INSTALLER", "one-1.0.dist-info/RECORD"), "pip"),
    **dict.fromkeys(("one-1.0.dist-info/REQUESTED", "one-1.0.dist-info/direct_url.json"), ""),
}
"""What an installation leaves; all of `bin` is executable."""


def installing(layer: FunctionLayer) -> None:
    """Install as pip would, at once."""
    for name, content in INSTALLED.items():
        path = layer.python / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755 if name.startswith("bin/") else 0o600)


@pytest.fixture
def small(tmp_path: Path) -> FunctionLayer:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("one==1.0\n")
    return FunctionLayer(tmp_path / "made" / "layer", requirements)


def contents(layer: FunctionLayer) -> dict[str, tuple[bytes, bool]]:
    paths = {name: layer.folder / name for name in layer.files()}
    return {name: (path.read_bytes(), os.access(path, os.X_OK)) for name, path in paths.items()}


def test_a_layer_holds_packages_and_programs_but_nothing_of_the_installation(small: FunctionLayer) -> None:
    assert make(small, installing)
    assert small.files() == ["python/bin/tool", "python/one-1.0.dist-info/METADATA", "python/one/__init__.py"]


def test_the_zip_file_holds_the_same_and_keeps_what_is_executable(small: FunctionLayer) -> None:
    make(small, installing)
    with zipfile.ZipFile(small.archive) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        packed = {name: (archive.read(name), bool(mode & 0o111)) for name, mode in modes.items()}
    assert packed == contents(small)
    # Lambda Developer Guide, "Deployment package file permissions".
    assert list(modes.values()) == [0o100755, 0o100644, 0o100644]


def test_what_is_current_is_not_made_again(small: FunctionLayer) -> None:
    assert make(small, installing)
    assert not make(small, installing)


def test_other_requirements_make_another_layer(small: FunctionLayer) -> None:
    make(small, installing)
    assert small.current_archive() == small.archive
    small.requirements.write_text("one==1.1\n")
    with pytest.raises(LayerError, match=r"python -m commands\.function_layer"):
        small.current_archive()
    assert make(small, installing)
    assert small.is_current()
    assert list(small.folder.parent.iterdir()) == [small.folder]


def test_a_run_that_is_interrupted_or_fails_leaves_what_was_there(small: FunctionLayer) -> None:
    def interrupted(layer: FunctionLayer) -> None:
        installing(layer)
        raise KeyboardInterrupt

    small.folder.parent.mkdir()
    with pytest.raises(KeyboardInterrupt):
        make(small, interrupted)
    assert list(small.folder.parent.iterdir()) == []
    make(small, installing)
    before = contents(small)
    small.requirements.write_text("one==1.1\n")
    with pytest.raises(KeyboardInterrupt):
        make(small, interrupted)
    assert contents(small) == before
    assert list(small.folder.parent.iterdir()) == [small.folder]


def test_a_layer_that_another_run_made_meanwhile_is_taken(
    small: FunctionLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def late(path: Path, target: Path) -> Path:
        if target == small.folder:
            monkeypatch.setattr(Path, "rename", rename)
            make(small, installing)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", late)
    make(small, installing)
    assert small.is_current()
    assert list(small.folder.parent.iterdir()) == [small.folder]


def test_a_layer_that_lambda_would_not_take_is_refused(small: FunctionLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_layer, "UPLOAD_LIMIT", 100)
    with pytest.raises(LayerError, match="more than Lambda takes"):
        make(small, installing)
    assert not small.folder.exists()


def test_a_wheel_that_is_not_the_pinned_one_is_refused_in_pips_words(small: FunctionLayer, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "one-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("one/__init__.py", "number = 1\n")
    small.requirements.write_text(f"--no-index\n--find-links {tmp_path}\none==1.0 --hash=sha256:{64 * '0'}\n")
    with pytest.raises(LayerError, match=r"(?s)requirements\.txt could not be installed:\n.*DO NOT MATCH THE HASHES"):
        make(small)
    assert list(small.folder.parent.iterdir()) == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> FunctionLayer:
    """The layer that this project deploys."""
    layer = FunctionLayer(tmp_path_factory.mktemp("whole") / "layer")
    make(layer)
    return layer


@pytest.mark.stack
def test_two_installations_are_the_same_byte_for_byte(whole: FunctionLayer, tmp_path: Path) -> None:
    again = FunctionLayer(tmp_path / "layer")
    make(again)
    assert contents(again) == contents(whole)
    assert again.archive.read_bytes() == whole.archive.read_bytes()
    place = str(tmp_path.parent).encode()
    assert [name for name, (content, _) in contents(again).items() if place in content] == []


@pytest.mark.stack
def test_the_layer_is_far_from_what_lambda_takes_at_most(whole: FunctionLayer) -> None:
    assert sum(len(content) for content, _ in contents(whole).values()) < UNZIPPED_LIMIT / 4
    assert whole.archive.stat().st_size < UPLOAD_LIMIT * 3 / 4


@pytest.mark.stack
def test_the_layer_lacks_nothing_but_what_lambda_brings(whole: FunctionLayer) -> None:
    found = {path.name: Distribution.at(path) for path in whole.python.glob("*.dist-info")}
    versions = {canonicalize_name(item.metadata["Name"]): item.version for item in found.values()}
    there = {"python_version": PYTHON_VERSION, "python_full_version": f"{PYTHON_VERSION}.0", "extra": ""}
    wanted = [Requirement(text) for item in found.values() for text in item.requires or ()]
    needed = [item for item in wanted if item.marker is None or item.marker.evaluate(there)]
    lacking = [
        str(item)
        for item in needed
        if canonicalize_name(item.name) not in BROUGHT_BY_LAMBDA
        and not item.specifier.contains(versions.get(canonicalize_name(item.name), "0"))
    ]
    assert len(needed) > len(versions) / 2
    assert lacking == []


@pytest.mark.stack
def test_this_machines_python_imports_the_layer_alone(whole: FunctionLayer) -> None:
    program = (
        "import sys; sys.path[:] = [sys.argv[1], *[path for path in sys.path if 'site-packages' not in path]]\n"
        "import aws_lambda_powertools, aws_xray_sdk, detect_secrets, yaml, requests, wrapt\n"
        "modules = (aws_lambda_powertools, aws_xray_sdk, detect_secrets, yaml, requests, wrapt)\n"
        "print({module.__file__.startswith(sys.argv[1]) for module in modules}, yaml.safe_load('a: [1]'))\n"
    )
    command = [sys.executable, "-I", "-S", "-B", "-c", program, str(whole.python)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{True} {'a': [1]}\n", "")


@pytest.mark.stack
def test_the_layers_shellcheck_runs(whole: FunctionLayer, tmp_path: Path) -> None:
    script = tmp_path / "install.sh"
    script.write_text("#!/bin/sh\nrm $1\n")
    command = [whole.python / "bin" / "shellcheck", "--format=gcc", script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, "SC2086" in done.stdout) == (1, True)


@pytest.mark.stack
def test_a_function_finds_every_compiled_part_for_its_own_python(whole: FunctionLayer) -> None:
    compiled = [name for name in whole.files() if name.endswith(".so")]
    tag = f".cpython-{PYTHON_VERSION.replace('.', '')}-x86_64-linux-gnu.so"
    assert compiled
    assert [name for name in compiled if not name.endswith(tag)] == []
