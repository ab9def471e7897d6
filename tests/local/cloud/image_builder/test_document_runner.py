"""Documents run for real: bubblewrap is part of what is tested."""

import hashlib
import io
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud.image_builder.document_runner import StepFailure, run_phase, scope_of
from local.cloud.image_builder.documents import DocumentError, parse
from local.cloud.image_builder.machine import Machine
from local.cloud.image_builder.sandbox import Sandbox
from local.cloud.image_builder.workbench import Workbench


class Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Any:
        while chunk := self.read(size):
            yield chunk


class ObjectStore:
    """An S3 client over a dictionary."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_paginator(self, _name: str) -> "ObjectStore":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        keys = [key for key in sorted(self.objects) if key.startswith(f"{Bucket}/{Prefix}")]
        return [{"Contents": [{"Key": key.removeprefix(f"{Bucket}/")} for key in keys]}]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" not in self.objects:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")
        return {"Body": Body(self.objects[f"{Bucket}/{Key}"])}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        self.objects[f"{Bucket}/{Key}"] = Body


@dataclass
class Bench:
    folder: Path
    platform: str = "Linux"
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    lines: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.machine = Machine.boot(self.folder / "i-1", self.platform, "al2023-ami", None)
        directory = "C:\\tmp" if self.platform == "Windows" else "/tmp"
        sandbox = Sandbox(self.machine, self.folder)
        s3 = ObjectStore(self.objects)
        self.bench = Workbench(self.machine, sandbox, lambda: s3, self.lines.append, directory)

    def run(self, steps: str, head: str = "", **values: str) -> None:
        """Run steps as a document's build phase."""
        text = f"schemaVersion: 1.0\n{textwrap.dedent(head)}\nphases:\n  - name: build\n    steps:\n"
        document = parse(text + textwrap.indent(textwrap.dedent(steps), " " * 6))
        phase = document.phase("build")
        assert phase is not None
        run_phase(phase, scope_of(document, values), self.bench)

    def text(self, path: str) -> str:
        return self.machine.path(path).read_text(encoding="utf-8")


@pytest.fixture
def linux(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def windows(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "Windows")


def test_a_script_changes_its_instance_and_not_this_machine(linux: Bench, tmp_path: Path) -> None:
    marker = f"/opt/{tmp_path.name}"
    linux.run(f"""
      - name: Write
        action: ExecuteBash
        inputs:
          commands:
            - echo installed > {marker}
            - test "$(id -u)" = 0
            - touch /usr/bin/never 2>&1 || echo refused >> {marker}
    """)
    assert linux.text(marker) == "installed\nrefused\n"
    assert not Path(marker).exists()


def test_a_script_has_no_network(linux: Bench) -> None:
    with pytest.raises(StepFailure, match=r"exit code 6.*Could not resolve host"):
        linux.run("""
          - name: Fetch
            action: ExecuteBash
            inputs: {commands: ['curl -fsS https://example.com/x']}
        """)
    linux.run("""
      - name: Connect
        action: ExecuteBash
        inputs: {commands: ['! (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null']}
    """)


def test_package_managers_are_recorded_and_not_executed(linux: Bench) -> None:
    linux.run("""
      - name: Install
        action: ExecuteBash
        inputs:
          commands:
            - sudo -u root yum install -y "two words"
            - /usr/bin/apt-get update
            - systemctl enable --now nginx && systemctl is-enabled nginx
            - if rpm -q absent; then exit 9; fi
    """)
    assert linux.machine.recorded() == [
        "sudo -u root yum install -y two\\ words (executed as root)",
        "yum install -y two\\ words",
        "apt-get update",
        "systemctl enable --now nginx",
    ]
    assert "Step Install: 4 commands recorded and not executed" in linux.lines


def test_an_exit_code_fails_the_step_and_ends_the_phase(linux: Bench) -> None:
    with pytest.raises(StepFailure, match=r"step 'Break', action 'ExecuteBash': exit code 3: no licence"):
        linux.run("""
          - {name: Break, action: ExecuteBash, inputs: {commands: ['echo no licence >&2', 'exit 3']}}
          - {name: Later, action: CreateFile, inputs: [{path: /opt/later, content: x}]}
        """)
    assert not linux.machine.path("/opt/later").exists()


def test_continue_runs_later_steps_and_still_fails(linux: Bench) -> None:
    with pytest.raises(StepFailure, match="'Break'"):
        linux.run("""
          - {name: Break, action: ExecuteBash, onFailure: Continue, inputs: {commands: ['exit 3']}}
          - {name: Later, action: CreateFile, inputs: [{path: /opt/later, content: x}]}
        """)
    assert linux.text("/opt/later") == "x"


def test_ignore_counts_a_failure_for_nothing(linux: Bench) -> None:
    linux.run("- {name: Break, action: ExecuteBash, onFailure: Ignore, inputs: {commands: ['exit 3']}}")
    assert any("onFailure: Ignore" in line for line in linux.lines)


def test_a_step_is_tried_as_often_as_it_says(linux: Bench) -> None:
    linux.run("""
      - name: Third
        action: ExecuteBash
        maxAttempts: 3
        inputs: {commands: ['echo x >> /opt/count', 'test $(wc -l < /opt/count) = 3']}
    """)
    assert linux.text("/opt/count") == "x\nx\nx\n"


def test_a_time_limit_ends_a_step_with_all_it_started(linux: Bench, tmp_path: Path) -> None:
    mark = f"golden-{tmp_path.name}"
    start = time.monotonic()
    with pytest.raises(StepFailure, match="did not end within timeoutSeconds"):
        linux.run(f"""
          - name: Hang
            action: ExecuteBash
            timeoutSeconds: 1
            inputs: {{commands: ['(exec -a {mark} sleep 600) & exec -a {mark} sleep 600']}}
        """)
    assert time.monotonic() - start < 10
    assert mark not in _command_lines()


def test_what_a_script_leaves_in_the_background_ends_with_its_step(linux: Bench, tmp_path: Path) -> None:
    mark = f"golden-{tmp_path.name}"
    linux.run(f"""
      - {{name: Daemon, action: ExecuteBash, inputs: {{commands: ['(exec -a {mark} sleep 600) & true']}}}}
    """)
    assert mark not in _command_lines()


def _command_lines() -> str:
    texts: list[str] = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts.append(place.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    # pytest's own command line may name the test, never the mark at a command's start.
    return "\n".join(text for text in texts if text.startswith("golden-"))


def test_exit_code_194_restarts_and_runs_the_step_again(linux: Bench) -> None:
    linux.run("""
      - name: Restart
        action: ExecuteBash
        inputs: {commands: ['test -e /opt/once && exit 0', 'touch /opt/once', 'exit 194']}
    """)
    assert linux.machine.recorded() == ["restart asked for by exit code 194"]


def test_parameters_constants_and_earlier_outputs_reach_later_steps(linux: Bench) -> None:
    linux.run(
        """
        - {name: Say, action: ExecuteBash, inputs: {commands: ['echo {{ Word }}-{{ Mode }}']}}
        - name: Keep
          action: CreateFile
          inputs:
            - {path: /opt/a, content: '{{ build.Say.outputs.stdout }} of {{ build.Say.inputs.commands[0] }}'}
        """,
        head="parameters: [{Word: {type: string}}]\nconstants: [{Mode: {type: string, value: fast}}]",
        Word="hello",
    )
    assert linux.text("/opt/a") == "hello-fast of echo hello-fast"


def test_an_unknown_reference_is_an_error(linux: Bench) -> None:
    with pytest.raises(StepFailure, match="no parameter, constant or step is called Missing"):
        linux.run("- {name: Say, action: ExecuteBash, inputs: {commands: ['echo {{ Missing }}']}}")


def test_a_parameter_without_value_is_an_error(linux: Bench) -> None:
    with pytest.raises(DocumentError, match="'Word' has no default"):
        linux.run("- {name: A, action: Reboot}", head="parameters: [{Word: {type: string}}]")


def test_loops_and_conditions_choose_what_runs(linux: Bench) -> None:
    linux.run("""
      - name: Each
        action: AppendFile
        loop: {name: item, forEach: [a, b]}
        inputs: [{path: /opt/list, content: '{{ item.index }}{{ item.value }} '}]
      - name: Skipped
        action: AppendFile
        if: {fileExists: /opt/list, then: Skip, else: Execute}
        inputs: [{path: /opt/list, content: never}]
      - name: Check
        action: Assert
        inputs: {and: [{fileExists: /opt/list}, {stringEquals: x, value: x}]}
    """)
    assert linux.text("/opt/list") == "0a 1b "


def test_an_assertion_that_does_not_hold_fails(linux: Bench) -> None:
    with pytest.raises(StepFailure, match="the assertion does not hold"):
        linux.run("- {name: Check, action: Assert, inputs: {numberLessThan: 3, value: 4}}")


def test_a_prefix_is_downloaded_with_the_folders_below_it(linux: Bench) -> None:
    linux.objects |= {"b/builds/SUMS": b"1", "b/builds/files/deep/x.sh": b"2", "b/other": b"3"}
    linux.run("""
      - name: Get
        action: S3Download
        inputs: [{source: 's3://b/builds/*', destination: /opt/work/}]
    """)
    assert (linux.text("/opt/work/SUMS"), linux.text("/opt/work/files/deep/x.sh")) == ("1", "2")
    assert not linux.machine.path("/opt/work/other").exists()


@pytest.mark.parametrize("source", ["s3://b/none/*", "s3://b/none"])
def test_a_download_of_nothing_fails(linux: Bench, source: str) -> None:
    with pytest.raises(StepFailure, match="S3Download of"):
        linux.run(f"- {{name: Get, action: S3Download, inputs: [{{source: '{source}', destination: /opt/}}]}}")


def test_a_folder_is_uploaded(linux: Bench) -> None:
    linux.run("""
      - {name: Make, action: CreateFile, inputs: [{path: /opt/report/a/b.txt, content: fine}]}
      - {name: Put, action: S3Upload, inputs: [{source: /opt/report/*, destination: 's3://b/reports/*', recurse: true}]}
    """)
    assert linux.objects["b/reports/a/b.txt"] == b"fine"


def test_file_actions_follow_links_inside_the_instance_only(linux: Bench) -> None:
    with pytest.raises(StepFailure):
        linux.run("""
          - {name: Link, action: CreateSymlink, inputs: [{path: /opt/out, target: /root/../../etc/hostname}]}
          - {name: Read, action: ReadFile, inputs: [{path: /opt/out}]}
          - {name: Escape, action: CreateFile, inputs: [{path: /usr/bin/x, content: ''}]}
        """)
    assert linux.machine.path("/opt/out") == linux.machine.tree / "etc" / "hostname"


def test_files_and_folders_are_made_moved_and_deleted(linux: Bench) -> None:
    linux.run("""
      - {name: Folder, action: CreateFolder, inputs: [{path: /opt/a}]}
      - {name: File, action: CreateFile, inputs: [{path: /opt/a/x.txt, content: 1, permissions: '0600'}]}
      - {name: Copy, action: CopyFile, inputs: [{source: /opt/a/x.txt, destination: /opt/y.txt}]}
      - {name: Move, action: MoveFile, inputs: [{source: /opt/y.txt, destination: /opt/z.txt}]}
      - {name: Mode, action: SetFilePermissions, inputs: [{path: /opt/z.txt, permissions: '0755'}]}
      - {name: Gone, action: DeleteFolder, inputs: [{path: /opt/a, force: true}]}
    """)
    assert linux.machine.path("/opt/z.txt").stat().st_mode & 0o777 == 0o755
    assert not linux.machine.path("/opt/a").exists()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{name: A, action: SetFileEncoding, inputs: [{path: /opt/x}]}", "does not carry out the action"),
        ("{name: A, action: ExecutePowerShell, inputs: {commands: [x]}}", "not supported on Linux"),
        (
            "{name: A, action: WebDownload, inputs: [{source: 'https://a.b/c', destination: /opt/}]}",
            "no internet access",
        ),
        ("{name: A, action: ExecuteBinary, inputs: {path: /opt/absent}}", "exit code"),
        ("{name: A, action: DeleteFolder, inputs: [{path: /var/lib}]}", "not a folder|not empty"),
    ],
)
def test_what_cannot_be_done_says_so(linux: Bench, step: str, message: str) -> None:
    linux.machine.path("/var/lib/held").write_text("x")
    with pytest.raises(StepFailure, match=message):
        linux.run(f"- {step}")


@pytest.fixture
def windows_build(windows: Bench) -> Callable[[str, str], None]:
    def run(script: str, digest_of: str) -> None:
        digest = hashlib.sha256(digest_of.encode()).hexdigest()
        windows.objects |= {
            "b/now/files/install.ps1": script.encode(),
            "b/now/SHA256SUMS": f"{digest}  files/install.ps1\n".encode(),
        }
        path = Path(__file__).parents[4] / "runtime" / "documents" / "install-scripts-windows.yaml"
        document = parse(path.read_text(encoding="utf-8"))
        phase = document.phase("build")
        assert phase is not None
        scope = scope_of(document, {"Build": "s3://b/now/", "EntryScript": "install.ps1"})
        run_phase(phase, scope, windows.bench)

    return run


def test_powershell_is_checked_and_recorded_not_executed(
    windows: Bench, windows_build: Callable[[str, str], None]
) -> None:
    script = 'Install-WindowsFeature Web-Server\nif ($x) { throw "never" }\n'
    windows_build(script, script)
    assert any("SHA-256 of 1 files compared" in line for line in windows.lines)
    assert any("checked, not executed" in line and "install.ps1" in line for line in windows.lines)
    assert any("Get-FileHash" in line for line in windows.machine.recorded())
    assert any("install.ps1: Install-WindowsFeature Web-Server" in line for line in windows.machine.recorded())


def test_powershell_with_other_bytes_than_the_manifest_fails(windows_build: Callable[[str, str], None]) -> None:
    with pytest.raises(StepFailure, match=r"'Verify'.*files/install.ps1 does not match the manifest"):
        windows_build("Write-Host changed", "Write-Host original")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('Write-Host "open', "missing the terminator"),
        ("if ($true) { Write-Host 1", "Missing closing"),
        ("Write-Host 1 }", "Unexpected token"),
        ('$text = @"\nnever closed\n', "missing the terminator"),
        ("Write-Host 1\nexit 7\n", "exit code 7"),
        ('throw "no licence"', "no licence"),
        ("& .\\absent.ps1", "is not recognized"),
    ],
)
def test_powershell_that_surely_fails_fails(
    windows_build: Callable[[str, str], None], script: str, message: str
) -> None:
    with pytest.raises(StepFailure, match=message):
        windows_build(script, script)


def test_brackets_in_strings_and_comments_do_not_count(windows_build: Callable[[str, str], None]) -> None:
    script = "<# { #>\n# }\n$a = 'it''s {'\n$b = \"`\" { $c\"\n$d = @'\n{ ' \"\n'@\nexit 0\nexit 5\n"
    windows_build(script, script)


def test_an_images_content_is_where_the_next_instance_starts(linux: Bench, tmp_path: Path) -> None:
    linux.run("- {name: Make, action: CreateFile, inputs: [{path: /opt/app/run, content: app}]}")
    linux.run("- {name: Get, action: ExecuteBash, inputs: {commands: ['yum install -y nginx']}}")
    linux.machine.image(tmp_path / "image")
    second = Machine.boot(tmp_path / "i-2", "Linux", "", tmp_path / "image")
    assert second.path("/opt/app/run").read_text() == "app"
    assert second.recorded() == ["yum install -y nginx"]
    linux.machine.discard()
    assert not linux.machine.folder.exists()
