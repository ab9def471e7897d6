"""What `systemctl` answers on an instance, from all that was asked of it and how often it started."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.cloud.image_builder.machine import LINUX, Machine
from local.cloud.image_builder.sandbox import Sandbox

STATES = 'echo "$(systemctl is-enabled web) $(systemctl is-active web.service)"'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine.boot(tmp_path / "instance", LINUX, "al2023-ami", None)


def told(machine: Machine, script: str) -> str:
    result = Sandbox(machine, machine.folder.parent).bash(script, None)
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("asked", "states"),
    [
        ("true", "disabled inactive"),
        ("systemctl enable web", "enabled inactive"),
        ("systemctl enable --now web.service", "enabled active"),
        ("systemctl start other; systemctl enable web", "enabled inactive"),
        ("systemctl --quiet restart other web", "disabled active"),
        ("service web start", "disabled active"),
        ("systemctl enable --now web; systemctl stop web", "enabled inactive"),
        ("systemctl enable --now web; systemctl disable --now web", "disabled inactive"),
        ("systemctl mask --now web; systemctl enable web", "masked inactive"),
        ("systemctl mask web; systemctl unmask web", "disabled inactive"),
        ("systemctl enable web; reboot", "enabled active"),
        ("systemctl start web; reboot", "disabled inactive"),
    ],
)
def test_a_unit_stands_as_the_last_that_was_asked_of_it(machine: Machine, asked: str, states: str) -> None:
    assert told(machine, f"{asked}\n{STATES}") == states


def test_an_instance_of_an_image_starts_what_is_enabled_and_nothing_else(machine: Machine, tmp_path: Path) -> None:
    told(machine, "systemctl enable web; systemctl start other; systemctl stop amazon-ssm-agent")
    machine.image(tmp_path / "image")
    launched = Machine.boot(tmp_path / "next", LINUX, "", tmp_path / "image")
    assert told(launched, STATES) == "enabled active"
    assert told(launched, "systemctl is-active other || true") == "inactive"
    assert told(launched, "systemctl is-active amazon-ssm-agent") == "active"


def test_a_quiet_question_is_answered_by_the_exit_code(machine: Machine) -> None:
    assert told(machine, "systemctl is-active --quiet amazon-ssm-agent && ! systemctl is-enabled -q web") == ""
    assert machine.recorded() == []


def test_every_start_and_every_instance_has_a_boot_id_of_its_own(machine: Machine, tmp_path: Path) -> None:
    read = "cat /proc/sys/kernel/random/boot_id"
    first = told(machine, read)
    assert told(machine, read) == first
    told(machine, "shutdown -r now")
    machine.note(["Reboot"])
    machine.image(tmp_path / "image")
    other = Machine.boot(tmp_path / "next", LINUX, "", tmp_path / "image")
    assert len({first, told(machine, read), told(other, read)}) == 3
