"""The ready-made components do what they say, in the local cloud's sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.cloud.image_builder import instance_metadata
from local.cloud.image_builder.document_runner import StepFailure, run_phase, scope_of
from local.cloud.image_builder.documents import parse
from local.cloud.image_builder.machine import LINUX, WINDOWS, Machine
from local.cloud.image_builder.sandbox import Sandbox
from local.cloud.image_builder.workbench import Workbench
from model.files.component_document import INLINE_MAXIMUM, parse_document
from model.files.operating_system import OperatingSystem
from runtime.functions.shell_lint import find_shell_errors

COMPONENTS = Path(__file__).parents[3] / "runtime" / "components"
PATHS = sorted(COMPONENTS.glob("*.yaml"))
INSTANCE = {"InstanceId": "i-0123456789abcdef0", "MetadataOptions": {"HttpTokens": "required"}}
MAXIMUM_COMPONENTS = {"Sha256": "0" * 64, "Installer": "https://example.com/installer"}


@dataclass
class Instance:
    """An instance of a public image on which components run."""

    machine: Machine
    bench: Workbench
    log: list[str]

    def run(self, component: str, *phases: str, **values: str) -> None:
        """Run a component's phases; all of them where none is named."""
        system = "windows" if self.machine.platform == WINDOWS else "linux"
        document = parse((COMPONENTS / f"{component}-{system}.yaml").read_text(encoding="utf-8"))
        scope = scope_of(document, values)
        for phase in document.phases:
            if phase.name in (phases or (phase.name,)):
                run_phase(phase, scope, self.bench)

    def write(self, path: str, text: str = "x\n") -> Path:
        file = self.machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def refuses(self, component: str, phase: str, told: str) -> None:
        with pytest.raises(StepFailure) as raised:
            self.run(component, phase)
        assert told in str(raised.value)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Instance]:
    def instance(image: str = "al2023-ami-2023", platform: str = LINUX, tokens: str = "required") -> Instance:
        machine = Machine.boot(tmp_path / "instance", platform, image, None)
        described = {**INSTANCE, "MetadataOptions": {"HttpTokens": tokens}}
        instance_metadata.lay_out(machine.folder, described, "us-east-1")
        log: list[str] = []
        directory = "C:\\tmp" if platform == WINDOWS else "/tmp"
        return Instance(
            machine, Workbench(machine, Sandbox(machine, tmp_path), lambda: None, log.append, directory), log
        )

    return instance


@pytest.fixture
def linux(make: Callable[..., Instance]) -> Instance:
    return make()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_document_says_why_it_exists_and_fits_a_call_and_its_system(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(text) <= INLINE_MAXIMUM
    document = parse_document(text, path.name)
    assert document.description
    assert list(document.system_problems(OperatingSystem(path.stem.rpartition("-")[2]))) == []


@pytest.mark.parametrize("path", [path for path in PATHS if "linux" in path.name], ids=lambda path: path.name)
def test_no_script_has_an_error(path: Path) -> None:
    document = parse_document(path.read_text(encoding="utf-8"), path.name)
    assert [finding for _, text in document.shell_scripts() for finding in find_shell_errors(path.name, text)] == []


def test_both_systems_have_the_same_components() -> None:
    names = {
        system: {path.stem.removesuffix(f"-{system}") for path in PATHS if path.stem.endswith(f"-{system}")}
        for system in ("linux", "windows")
    }
    assert names["linux"] == names["windows"]


@pytest.mark.parametrize("path", [path for path in PATHS if "windows" in path.name], ids=lambda path: path.name)
def test_every_windows_component_is_taken_by_the_checks_of_its_scripts(
    make: Callable[..., Instance], path: Path
) -> None:
    instance = make("Windows_Server-2022", WINDOWS)
    document = parse_document(path.read_text(encoding="utf-8"), path.name)
    values = {name: MAXIMUM_COMPONENTS[name] for name in document.defaults if name in MAXIMUM_COMPONENTS}
    downloads = any(step.action == "WebDownload" for phase in document.phases for step in phase.steps)
    phases = [phase.name.value for phase in document.phases if not (downloads and phase.name == "build")]
    instance.run(path.stem.removesuffix("-windows"), *phases, **values)


@pytest.mark.parametrize("name", ["update-os", "python", "aws-cli", "cloudwatch-agent"])
def test_what_is_installed_is_found_again(linux: Instance, name: str) -> None:
    linux.run(name)
    assert linux.machine.recorded()


@pytest.mark.parametrize(
    ("name", "image", "told"),
    [
        ("aws-cli", "debian-13", "debian has no package of the AWS CLI: set Archive and Sha256"),
        ("cloudwatch-agent", "debian-13", "debian needs a document of its own"),
        ("python", "somebody's", "no packages of Python are known for linux"),
    ],
)
def test_a_system_that_a_component_does_not_know_is_told(
    make: Callable[..., Instance], name: str, image: str, told: str
) -> None:
    make(image).refuses(name, "build", told)


def test_the_cloudwatch_agent_starts_with_the_parameter_that_is_named(linux: Instance) -> None:
    linux.run("cloudwatch-agent", Settings="/agents/web")
    text = linux.machine.path("/etc/systemd/system/amazon-cloudwatch-agent.service.d/settings.conf").read_text()
    assert text.endswith('-a fetch-config -m ec2 -c "ssm:/agents/web"\n')
    linux.run("test-agents-answer", "test")


def test_agents_that_the_base_image_brings_are_found(linux: Instance) -> None:
    linux.run("ssm-agent-check")
    linux.run("test-agents-answer")


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


def test_a_hardened_instance_passes_its_own_validation_and_takes_no_passwords(linux: Instance) -> None:
    linux.run("cis-hardening", Banner="Ours")
    linux.run("test-no-password-login")
    assert linux.machine.path("/etc/issue.net").read_text() == "Ours\n"
    assert not linux.machine.path("/var/tmp/golden-ami-hardening").exists()
    linux.run("cis-hardening", Banner="Ours")


@pytest.mark.parametrize(
    ("undo", "told"),
    [
        (
            "sed -i 's/PermitRootLogin no/PermitRootLogin yes/' /etc/ssh/sshd_config.d/00-hardening.conf",
            "00-hardening.conf is",
        ),
        ("rm /etc/sysctl.d/60-hardening.conf", "/etc/sysctl.d/60-hardening.conf is not as the hardening wrote it"),
        (
            "echo install usb-storage /bin/true >> /etc/modprobe.d/hardening.conf",
            "/etc/modprobe.d/hardening.conf is not",
        ),
        ("rm /etc/audit/rules.d/60-hardening.rules", "/etc/audit/rules.d/60-hardening.rules is not"),
        ("echo changed > /etc/issue.net", "/etc/issue.net does not show the banner"),
        ("chmod 0644 /etc/shadow", "/etc/shadow has mode 644, not 0"),
        ("chmod 0644 /etc/ssh/sshd_config", "/etc/ssh/sshd_config has mode 644, not 600"),
        ("sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config", "reads other settings before the hardening"),
        ("echo > /etc/ssh/sshd_config.d/00-aaa.conf", "00-aaa.conf is read before the hardening"),
    ],
)
def test_hardening_that_was_undone_fails_the_image(linux: Instance, undo: str, told: str) -> None:
    linux.run("cis-hardening", "build")
    assert linux.bench.sandbox.bash(undo, None).exit_code == 0
    linux.refuses("cis-hardening", "validate", told)


@pytest.mark.parametrize(
    "path",
    [
        "/root/.ssh/authorized_keys",
        "/home/ec2-user/.ssh/authorized_keys",
        "/root/.aws/credentials",
        "/home/ec2-user/.bash_history",
        "/root/key.pem",
        "/tmp/work/id_ed25519",
        "/root/.git-credentials",
        "/etc/ssh/ssh_host_ed25519_key",
        "/etc/machine-id",
    ],
)
def test_clean_up_removes_what_a_build_leaves_and_fails_where_something_is_left(linux: Instance, path: str) -> None:
    file = linux.write(path)
    linux.refuses("clean-up", "validate", path)
    linux.run("clean-up")
    assert not file.exists() or file.stat().st_size == 0


def test_clean_up_empties_logs_and_keeps_what_is_read_after_it(linux: Instance) -> None:
    log = linux.write("/var/log/messages", "a secret")
    executor = linux.write("/var/log/amazon/console.log", "read later")
    kept = linux.write("/opt/ledger/notes", "kept")
    linux.run("clean-up")
    assert (log.read_text(), executor.read_text(), kept.read_text()) == ("", "read later", "kept")


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("/etc/ssh/sshd_config", "PasswordAuthentication yes\n", "sshd has PasswordAuthentication yes"),
        ("/etc/ssh/sshd_config", "Port 22\n", "sshd has PasswordAuthentication unset, which is yes"),
        (
            "/etc/ssh/sshd_config",
            "PasswordAuthentication no\n",
            "sshd has KbdInteractiveAuthentication unset, which is yes",
        ),
    ],
)
def test_a_login_with_a_password_fails_the_test(linux: Instance, path: str, text: str, told: str) -> None:
    linux.write(path, text)
    linux.refuses("test-no-password-login", "test", told)


def test_an_account_with_a_password_fails_the_test(linux: Instance) -> None:
    linux.run("cis-hardening", "build")
    shadow = linux.machine.path("/etc/shadow")
    shadow.chmod(0o600)
    shadow.write_text(shadow.read_text() + "guest:$6$salt$hash:19000:0:99999:7:::\n", encoding="utf-8")
    linux.refuses("test-no-password-login", "test", "these accounts have a password, or need none: guest")


def test_metadata_with_tokens_only_passes_and_without_tokens_fails(make: Callable[..., Instance]) -> None:
    make(tokens="required").run("test-imdsv2-only")


def test_metadata_without_tokens_fails_the_test(make: Callable[..., Instance]) -> None:
    make(tokens="optional").refuses(
        "test-imdsv2-only", "test", "metadata without a token is answered with 200, not 401"
    )


def test_a_restart_keeps_the_volume(linux: Instance) -> None:
    linux.run("test-boots-again")
    assert linux.machine.recorded()[0] == "Reboot"
    assert not linux.machine.path("/var/tmp/golden-ami-restart").exists()
