"""The ready-made components do what they say, in the local cloud's sandbox."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local.cloud.image_builder.document_runner import StepFailure, scope_of
from local.cloud.image_builder.documents import DATA_MAXIMUM, Document, parse
from local.cloud.image_builder.machine import WINDOWS
from model.files.component_document import DocumentFile
from model.files.operating_system import OperatingSystem
from tests.runtime.components.instances import PATHS, Instance

LINUX_PATHS = [path for path in PATHS if path.stem.endswith("-linux")]
WINDOWS_PATHS = [path for path in PATHS if path.stem.endswith("-windows")]
SHELLCHECK = Path(__file__).parents[3] / ".local" / "venv" / "bin" / "shellcheck"
STATED = {
    "Sha256": "0" * 64,
    "Installer": "https://example.com/installer",
    "Url": "http://proxy.example.com:3128",
}
"""Values for parameters that have no default."""
SERVICE_SETTINGS = "/etc/systemd/system.conf.d/golden-ami-proxy.conf"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_document_says_why_it_exists_and_fits_a_call_and_its_system(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(text) < DATA_MAXIMUM
    assert parse(text).name == path.stem.rpartition("-")[0]
    document = DocumentFile.parse(text, path.name).content
    assert document.description
    assert list(document.system_problems(OperatingSystem(path.stem.rpartition("-")[2]))) == []
    for parameter in parse(text).parameters:
        assert parameter.description


def stated(document: Document) -> dict[str, str]:
    return {entry.name: STATED[entry.name] for entry in document.parameters if entry.name in STATED}


def test_both_systems_have_the_same_components() -> None:
    names = [{path.stem.rpartition("-")[0] for path in paths} for paths in (LINUX_PATHS, WINDOWS_PATHS)]
    assert names[0] == names[1]


def test_shellcheck_has_nothing_to_say_about_any_script(tmp_path: Path) -> None:
    for path in LINUX_PATHS:
        document = parse(path.read_text(encoding="utf-8"))
        scope = scope_of(document, stated(document))
        for phase in document.phases:
            for step in phase.steps:
                if step.action == "ExecuteBash":
                    script = "\n".join(scope.resolve(step.inputs)["commands"])
                    assert script.startswith("set -euo pipefail\n")
                    (tmp_path / f"{path.stem} {phase.name} {step.name}.sh").write_text(script, encoding="utf-8")
    # SC1091: /etc/os-release is the instance's.
    command = [SHELLCHECK, "--norc", "--shell=bash", "--exclude=SC1091", *tmp_path.glob("*.sh")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("path", WINDOWS_PATHS, ids=lambda path: path.name)
def test_every_windows_component_passes_the_check_of_its_scripts(make: Callable[..., Instance], path: Path) -> None:
    instance = make("Windows_Server-2022", WINDOWS)
    document = parse(path.read_text(encoding="utf-8"))
    # Without a network there is nothing to download, to start or to delete.
    runs = ("ExecutePowerShell", "InstallMSI", "Reboot", "SetRegistry", "UpdateOS")
    phases = [replace(phase, steps=tuple(s for s in phase.steps if s.action in runs)) for phase in document.phases]
    instance.run_document(replace(document, phases=tuple(phases)), **stated(document))
    scripts = [step.inputs["commands"][0] for phase in phases for step in phase.steps if "PowerShell" in step.action]
    assert all(script.startswith("$ErrorActionPreference = 'Stop'\n") for script in scripts)


@pytest.mark.parametrize("name", ["python", "aws-cli", "cloudwatch-agent"])
def test_a_windows_installer_needs_the_network_and_its_digest(make: Callable[..., Instance], name: str) -> None:
    instance = make("Windows_Server-2022", WINDOWS)
    instance.refuses(name, "build", "https://example.com/installer", **stated(instance.document(name)))
    step = instance.document(name).phases[0].steps[0]
    assert step.inputs[0]["checksum"] == "{{ Sha256 }}"


@pytest.mark.parametrize("name", ["update-os", "python", "aws-cli", "cloudwatch-agent"])
def test_what_is_installed_is_found_again(linux: Instance, name: str) -> None:
    linux.run(name)
    assert linux.machine.recorded()


@pytest.mark.parametrize(
    ("name", "image", "told"),
    [
        ("aws-cli", "debian-13", "debian has no package of the AWS CLI: set Archive and Sha256"),
        ("cloudwatch-agent", "debian-13", "debian has no package of the CloudWatch agent: set Package and Sha256"),
        ("python", "somebody's", "no packages of Python are known for linux"),
        ("cis-hardening", "amzn2-ami", "the sshd of amzn 2 does not include settings"),
    ],
)
def test_a_system_that_a_component_does_not_know_is_told(
    make: Callable[..., Instance], name: str, image: str, told: str
) -> None:
    make(image).refuses(name, "build", told)


@pytest.mark.parametrize(("name", "place"), [("aws-cli", "Archive"), ("cloudwatch-agent", "Package")])
def test_elsewhere_a_named_version_is_fetched(make: Callable[..., Instance], name: str, place: str) -> None:
    values = {place: "https://example.com/1.2.3/it.zip", "Sha256": "0" * 64}
    make("debian-13").refuses(name, "build", "Could not resolve host: example.com", **values)


def test_an_older_command_line_fails_the_image(make: Callable[..., Instance]) -> None:
    make("amzn2-ami").refuses("aws-cli", "validate", "the command aws is aws-cli/1.0.0 local-cloud, not version 2")


def test_a_missing_package_fails_the_image(make: Callable[..., Instance]) -> None:
    instance = make("debian-13")
    for name in ("python", "aws-cli", "cloudwatch-agent"):
        instance.refuses(name, "validate", "exit code")


def test_the_cloudwatch_agent_starts_with_the_parameter_that_is_named(
    make: Callable[..., Instance], linux: Instance, tmp_path: Path
) -> None:
    linux.run("cloudwatch-agent", Settings="/agents/web")
    text = linux.machine.path("/etc/systemd/system/amazon-cloudwatch-agent.service.d/settings.conf").read_text()
    assert text.endswith('-a fetch-config -m ec2 -c "ssm:/agents/web"\n')
    linux.refuses("test-agents-answer", "test", "the CloudWatch agent does not run")
    linux.machine.image(tmp_path / "image")
    make(content=tmp_path / "image").run("test-agents-answer")


def test_the_cloudwatch_agent_without_settings_waits_for_some(linux: Instance) -> None:
    linux.run("cloudwatch-agent")
    linux.run("test-agents-answer")
    linux.refuses("cloudwatch-agent", "validate", "exit code 1", Settings="/agents/web")


def test_a_proxy_is_known_to_services_and_shells_from_the_next_start(linux: Instance) -> None:
    linux.run("proxy", Url="http://proxy.example.com:3128", Direct="10.0.0.8,.example.com")
    services = linux.machine.path(SERVICE_SETTINGS).read_text(encoding="utf-8").splitlines()
    direct = "localhost,127.0.0.1,169.254.169.254,fd00:ec2::254,10.0.0.8,.example.com"
    assert services[0] == "[Manager]"
    assert 'DefaultEnvironment="https_proxy=http://proxy.example.com:3128"' in services
    assert f'DefaultEnvironment="NO_PROXY={direct}"' in services
    linux.bash(
        "set -e; . /etc/profile.d/golden-ami-proxy.sh; env > /root/environment; "
        f"test \"$http_proxy $HTTPS_PROXY\" = '{STATED['Url']} {STATED['Url']}'; test \"$no_proxy\" = '{direct}'"
    )
    assert f"HTTP_PROXY={STATED['Url']}" in linux.machine.path("/root/environment").read_text(encoding="utf-8")
    assert linux.machine.recorded() == ["Reboot"]


def test_the_image_does_not_know_the_proxy_of_its_build(linux: Instance) -> None:
    linux.run("proxy", Url=STATED["Url"])
    linux.run("no-proxy")
    for path in (SERVICE_SETTINGS, "/etc/profile.d/golden-ami-proxy.sh"):
        assert not linux.machine.path(path).exists()


@pytest.mark.parametrize("image", ["al2023-ami-2023", "amzn2-ami", "ubuntu/images"])
def test_agents_that_the_base_image_brings_are_found(make: Callable[..., Instance], image: str) -> None:
    instance = make(image)
    instance.run("ssm-agent-check")
    instance.run("test-agents-answer")


@pytest.mark.parametrize(
    ("component", "phase", "told"),
    [
        ("ssm-agent-check", "validate", "the Systems Manager agent is not enabled"),
        ("ssm-agent-check", "test", "the Systems Manager agent does not run"),
        ("test-agents-answer", "test", "the Systems Manager agent does not run"),
    ],
)
def test_a_missing_agent_fails_the_image(make: Callable[..., Instance], component: str, phase: str, told: str) -> None:
    make("debian-13").refuses(component, phase, told)


def test_an_agent_that_a_script_stopped_fails_the_image(linux: Instance) -> None:
    linux.bash("systemctl stop amazon-ssm-agent")
    linux.refuses("ssm-agent-check", "validate", "the Systems Manager agent does not run")
    linux.bash("systemctl disable amazon-ssm-agent")
    linux.refuses("ssm-agent-check", "validate", "the Systems Manager agent is not enabled")


def test_an_instance_that_restarts_keeps_its_volume(linux: Instance) -> None:
    linux.run("test-boots-again")
    assert linux.machine.recorded() == ["Reboot"]
    assert not linux.machine.path("/var/tmp/golden-ami-boot-id").exists()


def test_an_instance_that_did_not_restart_fails_the_test(linux: Instance) -> None:
    document = linux.document("test-boots-again")
    steps = tuple(step for step in document.phases[0].steps if step.action != "Reboot")
    with pytest.raises(StepFailure, match="the instance did not restart"):
        linux.run_document(replace(document, phases=(replace(document.phases[0], steps=steps),)))


@pytest.mark.parametrize(
    ("state", "values", "told"),
    [
        ("degraded", {}, "the system is degraded after its restart"),
        ("maintenance", {"FailedUnits": "accept"}, "the system is maintenance after its restart"),
        ("degraded", {"FailedUnits": "accept"}, None),
    ],
)
def test_a_system_that_comes_up_in_part_fails_the_test_unless_that_is_accepted(
    linux: Instance, state: str, values: dict[str, str], told: str | None
) -> None:
    document = linux.document("test-boots-again")
    step = document.phases[0].steps[-1]
    # No unit can fail here, so the word for one that did stands in the script itself.
    script = f"systemctl() {{ echo {state}; return 1; }}\n{step.inputs['commands'][0]}"
    steps = (replace(step, inputs={"commands": [script]}),)
    changed = replace(document, phases=(replace(document.phases[0], steps=steps),))
    if told is None:
        linux.run_document(changed, **values)
    else:
        with pytest.raises(StepFailure, match=told):
            linux.run_document(changed, **values)


def test_metadata_with_tokens_only_passes(linux: Instance) -> None:
    linux.run("test-imdsv2-only")


def test_metadata_without_tokens_fails_the_test(make: Callable[..., Instance]) -> None:
    told = "metadata without a token is answered with 200, not 401"
    make(tokens="optional").refuses("test-imdsv2-only", "test", told)


def test_encrypted_volumes_pass(linux: Instance) -> None:
    linux.volumes.encrypted["vol-2"] = True
    linux.run("test-volumes-encrypted")
    assert "Stdout: vol-2\tTrue" in linux.log


@pytest.mark.parametrize(
    ("volumes", "told"),
    [
        ({"vol-1": True, "vol-2": False, "vol-3": False}, "these volumes are not encrypted: vol-2 vol-3"),
        ({}, "EC2 knows no volume of i-0123456789abcdef0 in us-east-1"),
    ],
)
def test_a_volume_in_the_clear_fails_the_test(linux: Instance, volumes: dict[str, bool], told: str) -> None:
    linux.volumes.encrypted = volumes
    linux.refuses("test-volumes-encrypted", "test", told)


def test_volumes_cannot_be_judged_without_the_command_line(make: Callable[..., Instance]) -> None:
    make("debian-13").refuses("test-volumes-encrypted", "test", "aws: command not found")
