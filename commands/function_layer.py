"""`python -m commands.function_layer`: make the layer that holds what the functions import beside their own code."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from runtime.layer import PIP_OPTIONS, UNZIPPED_LIMIT, UPLOAD_LIMIT, VARYING_FILES, FunctionLayer, LayerError

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip file can hold: the time of day must not make another layer."""

ERROR_LINES = 15
"""Lines of a failed installation that are shown."""


def install(layer: FunctionLayer) -> None:
    """Install what is pinned, with Lambda's wheels; raises `LayerError` in pip's words."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]
    options = [*PIP_OPTIONS, "--target", str(layer.python), "--requirement", str(layer.requirements)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        told = "\n".join(done.stderr.strip().splitlines()[-ERROR_LINES:])
        raise LayerError(f"{layer.requirements.name} could not be installed:\n{told}")


def make(layer: FunctionLayer, install: Callable[[FunctionLayer], None] = install) -> bool:
    """Make the layer unless it is current; returns whether it was made.

    All is done in a folder beside it, which takes its place at the end. Raises `LayerError`.
    """
    if layer.is_current():
        return False
    parent = layer.folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{layer.folder.name}-") as beside:
        draft = FunctionLayer(Path(beside) / "new", layer.requirements)
        recipe = draft.recipe()
        install(draft)
        _strip(draft.python)
        _pack(draft)
        draft.stamp.write_text(recipe, encoding="utf-8")
        with suppress(FileNotFoundError):
            layer.folder.rename(Path(beside) / "old")
        try:
            draft.folder.rename(layer.folder)
        except OSError:
            # Another run made it meanwhile.
            if not layer.is_current():
                raise
    return True


def _strip(python: Path) -> None:
    """Remove what differs between two installations, and what Lambda's Python would not run."""
    for path in [path for path in python.rglob("*") if path.is_file()]:
        in_metadata = path.parent.name.endswith(".dist-info") and path.name in VARYING_FILES
        if in_metadata or path.suffix == ".pyc" or (path.parent == python / "bin" and _is_script(path)):
            path.unlink()


def _is_script(path: Path) -> bool:
    """Whether a program names its interpreter, which is the one of this machine."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _pack(layer: FunctionLayer) -> None:
    files = layer.files()
    unzipped = sum((layer.folder / name).stat().st_size for name in files)
    with zipfile.ZipFile(layer.archive, "w") as archive:
        for name in files:
            path = layer.folder / name
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.create_system = 3
            entry.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
            # Stored, as two machines may compress differently, and the engine compares these bytes.
            entry.compress_type = zipfile.ZIP_STORED
            archive.writestr(entry, path.read_bytes())
    zipped = layer.archive.stat().st_size
    if unzipped > UNZIPPED_LIMIT or zipped > UPLOAD_LIMIT:
        raise LayerError(f"the layer has {unzipped:,} bytes ({zipped:,} as a zip file), more than Lambda takes")


def main() -> None:
    """Make the layer of this project."""
    layer = FunctionLayer()
    try:
        if make(layer):
            print(f"made the functions' layer: {len(layer.files())} files in {layer.python}")
    except LayerError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; nothing was made", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
