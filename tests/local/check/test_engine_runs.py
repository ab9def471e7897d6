"""Engines that run side by side, and what ends them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.check.engine_runs import Command, EngineRuns
from local.check.preview_events import Preview

PREVIEWS = """#!/bin/sh
[ "$PULUMI_DEBUG_COMMANDS" = true ] || exit 9
while [ "$1" != --event-log ]; do shift; done
echo '{"resourcePreEvent": {"metadata": {"op": "create", "type": "aws:kms/key:Key", "urn": "a::key"}}}' > "$2"
"""


def command(folder: Path, stack: str, script: str) -> Command:
    engine = folder / f"engine-{stack}"
    engine.write_text(script, encoding="utf-8")
    engine.chmod(0o755)
    return Command(stack, (str(engine), "preview"), {"PATH": os.environ["PATH"]}, folder)


def test_every_preview_is_read_and_heard_of(tmp_path: Path) -> None:
    heard: list[str] = []
    commands = [command(tmp_path, stack, PREVIEWS) for stack in ("a", "b", "c")]
    found = EngineRuns(tmp_path / "logs").previews(commands, lambda preview: heard.append(preview.stack))
    assert sorted(heard) == sorted(found) == ["a", "b", "c"]
    assert all(len(preview.changes) == 1 for preview in found.values())


def test_previews_run_side_by_side(tmp_path: Path) -> None:
    both = """#!/bin/sh
touch "$0.here"
exec timeout 60 sh -c 'while [ ! -e "{other}" ]; do :; done'
"""
    commands = [
        command(tmp_path, "a", both.format(other=tmp_path / "engine-b.here")),
        command(tmp_path, "b", both.format(other=tmp_path / "engine-a.here")),
    ]
    if (os.cpu_count() or 1) < len(commands):
        pytest.skip("there is one core only")
    found = EngineRuns(tmp_path).previews(commands, lambda _: None)
    assert found == {"a": Preview("a"), "b": Preview("b")}


def test_an_engine_that_fails_without_a_reason_is_told_by_what_it_printed(tmp_path: Path) -> None:
    found = EngineRuns(tmp_path).previews([command(tmp_path, "a", "#!/bin/sh\necho no backend >&2\nexit 255\n")], print)
    assert found["a"] == Preview("a", errors=("no backend",))
    silent = EngineRuns(tmp_path).previews([command(tmp_path, "b", "#!/bin/sh\nexit 3\n")], print)
    assert silent["b"].errors == ("the engine ended with 3",)


def test_whatever_ends_the_check_ends_the_engines_too(tmp_path: Path) -> None:
    endless = '#!/bin/sh\ntrap "touch \\"$0.ended\\"; exit 7" INT\ntouch "$0.here"\nwhile :; do :; done\n'
    runs = EngineRuns(tmp_path)

    def interrupted(_: Preview) -> None:
        raise KeyboardInterrupt

    waits = '#!/bin/sh\nwhile [ ! -e "{}" ]; do :; done\n'.format(tmp_path / "engine-a.here")
    commands = [command(tmp_path, "a", endless), command(tmp_path, "b", waits), command(tmp_path, "c", PREVIEWS)]
    if (os.cpu_count() or 1) == 1:
        pytest.skip("there is one core only")
    with pytest.raises(KeyboardInterrupt):
        runs.previews(commands, interrupted)
    assert (tmp_path / "engine-a.ended").exists()
