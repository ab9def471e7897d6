"""The language host over its real protocol, with small programs in place of the engine's."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto import language_pb2_grpc

from local.engine.language_host import PythonLanguageHost, serve

RUNNER = """
import json, os, signal, sys
given = {"arguments": sys.argv[1:], "config": os.environ["PULUMI_CONFIG"],
         "secrets": os.environ["PULUMI_CONFIG_SECRET_KEYS"], "folder": os.getcwd()}
open(os.path.join(os.getcwd(), "given.json"), "w").write(json.dumps(given))
exec(open(os.path.join(os.getcwd(), "behaviour")).read())
"""


@pytest.fixture
def host(tmp_path: Path) -> PythonLanguageHost:
    (tmp_path / "runner").write_text(RUNNER)
    return PythonLanguageHost("127.0.0.1:1", tmp_path / "runner", "1.2.3")


@pytest.fixture
def stub(host: PythonLanguageHost) -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    server, port = serve(host)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    host.close()
    server.stop(grace=None).wait()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "behaviour").write_text("")
    return folder


def _run(project: Path, *, dry_run: bool = False) -> messages.RunRequest:
    return messages.RunRequest(
        project="tiny",
        stack="dev",
        organization="organization",
        pwd=str(project),
        parallel=4,
        monitor_address="127.0.0.1:2",
        dryRun=dry_run,
        config={"tiny:text": "ä", "tiny:object": '{"a":1}'},
        configSecretKeys=["tiny:text"],
        info=_info(project),
    )


def _info(project: Path) -> messages.ProgramInfo:
    return messages.ProgramInfo(root_directory=str(project), program_directory=str(project), entry_point=".")


def test_a_program_gets_its_configuration_and_the_addresses(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Path
) -> None:
    answer = stub.Run(_run(project, dry_run=True))
    assert (answer.error, answer.bail) == ("", False)
    given = json.loads((project / "given.json").read_text())
    assert json.loads(given["config"]) == {"tiny:text": "ä", "tiny:object": '{"a":1}'}
    assert json.loads(given["secrets"]) == ["tiny:text"]
    assert given["folder"] == str(project)
    options = dict(zip(given["arguments"][:-1:2], given["arguments"][1:-1:2], strict=True))
    assert options == {
        "--monitor": "127.0.0.1:2",
        "--engine": "127.0.0.1:1",
        "--project": "tiny",
        "--root_directory": str(project),
        "--stack": "dev",
        "--pwd": str(project),
        "--parallel": "4",
        "--organization": "organization",
        "--dry_run": "true",
    }
    assert given["arguments"][-1] == str(project)


def test_a_run_that_is_no_preview_is_not_told_to_be_dry(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Path
) -> None:
    stub.Run(_run(project))
    assert "--dry_run" not in json.loads((project / "given.json").read_text())["arguments"]


@pytest.mark.parametrize(
    ("behaviour", "error", "bail"),
    [
        ("sys.exit(32)", "", True),
        ("sys.exit(3)", "the program ended with exit code 3", False),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the program was ended by SIGKILL", False),
    ],
)
def test_the_end_of_a_program_is_told_apart(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Path, behaviour: str, error: str, bail: bool
) -> None:
    (project / "behaviour").write_text(behaviour)
    answer = stub.Run(_run(project))
    assert (answer.error, answer.bail) == (error, bail)


def _started(project: Path) -> int:
    """The id of a program that tells it through a named pipe, so that nobody has to wait and look."""
    with (project / "started").open() as pipe:
        return int(pipe.read())


HANGS = "open('started', 'w').write(str(os.getpid())); signal.pause()"


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_cancel_ends_the_running_program(stub: language_pb2_grpc.LanguageRuntimeStub, project: Path) -> None:
    os.mkfifo(project / "started")
    (project / "behaviour").write_text(HANGS)
    call = stub.Run.future(_run(project))
    pid = _started(project)
    stub.Cancel(Empty())
    assert call.result().error == "the program was ended by SIGTERM"
    assert _gone(pid)


def test_a_dropped_call_ends_its_program(stub: language_pb2_grpc.LanguageRuntimeStub, project: Path) -> None:
    os.mkfifo(project / "started")
    (project / "behaviour").write_text(HANGS)
    call = stub.Run.future(_run(project))
    pid = _started(project)
    handle = os.pidfd_open(pid)
    call.cancel()
    # The handle becomes readable when the process ends.
    assert select.select([handle], [], [], 10)[0]
    os.close(handle)


def test_a_plugin_streams_both_outputs_and_its_exit_code(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Path
) -> None:
    (project / "__main__.py").write_text(
        "import os, sys; print(os.environ['GIVEN']); print(sys.argv[1], file=sys.stderr); sys.exit(7)"
    )
    request = messages.RunPluginRequest(
        pwd=str(project), info=_info(project), kind="resource", args=["first"], env=["GIVEN=a=b"]
    )
    answers = list(stub.RunPlugin(request))
    assert b"".join(answer.stdout for answer in answers) == b"a=b\n"
    assert b"".join(answer.stderr for answer in answers) == b"first\n"
    assert answers[-1].exitcode == 7


def test_a_virtual_environment_that_is_not_there_is_named(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Path
) -> None:
    request = _run(project)
    request.info.options.update({"virtualenv": "missing"})
    with pytest.raises(grpc.RpcError, match=r"virtualenv 'missing' holds no .*missing/bin/python"):
        stub.Run(request)


def test_the_packages_that_need_a_provider_are_told_with_their_version(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Path
) -> None:
    request = messages.GetRequiredPackagesRequest(info=_info(project))
    packages = {package.name: package for package in stub.GetRequiredPackages(request).packages}
    assert packages["aws"].kind == "resource"
    assert packages["aws"].version.startswith("7.")
    assert "policy" not in packages


def test_dependencies_are_listed_alone_or_with_what_they_need(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Path
) -> None:
    def names(*, transitive: bool) -> set[str]:
        request = messages.GetProgramDependenciesRequest(info=_info(project), transitiveDependencies=transitive)
        found = stub.GetProgramDependencies(request).dependencies
        return {dependency.name.lower().replace("_", "-") for dependency in found}

    assert "botocore" in names(transitive=True)
    assert "botocore" not in names(transitive=False)
    assert "pulumi-aws" in names(transitive=False)


def test_the_version_and_the_interpreter_are_told(stub: language_pb2_grpc.LanguageRuntimeStub, project: Path) -> None:
    assert stub.GetPluginInfo(Empty()).version == "1.2.3"
    about = stub.About(messages.AboutRequest(info=_info(project)))
    assert Path(about.executable).exists()
    assert about.version.startswith("3.")
