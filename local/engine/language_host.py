"""Pulumi's `LanguageRuntime` for Python: runs programs and policy packs for the engine.

Pulumi ships its own host, `pulumi-language-python`, with the engine. Where the engine had to be built from Go modules
that host cannot be had (facts: local, "The engine"), and this server takes its place. It speaks the same protocol
(Pulumi's "Language runtime" developer pages; the stubs come with the `pulumi` package) and runs the same
`pulumi-language-python-exec`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from pathlib import Path
from types import FrameType

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from local.engine.child_processes import ChildProcesses, end, output
from local.engine.interpreter import Interpreter, InterpreterError

BAIL_EXIT_CODE = 32
"""`pulumi-language-python-exec` ends with it when it has shown the reason already."""

MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024
"""What the engine and its SDKs allow for one message."""

ANALYZER = "analyzer"
"""The plugin kind of policy packs."""


class PythonLanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves one engine; `program_runner` is the path of `pulumi-language-python-exec`."""

    def __init__(self, engine_address: str, program_runner: Path, version: str) -> None:
        self._engine_address = engine_address
        self._program_runner = program_runner
        self._version = version
        self._programs = ChildProcesses()
        self._plugins = ChildProcesses()

    def close(self) -> None:
        """End everything that this host started."""
        self._programs.end_all()
        self._plugins.end_all()

    def Handshake(  # noqa: N802
        self, request: messages.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> messages.LanguageHandshakeResponse:
        """Take the address of the engine that calls."""
        self._engine_address = request.engine_address or self._engine_address
        return messages.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        """Tell the version, which is the engine's."""
        return plugin_pb2.PluginInfo(version=self._version)

    def GetRequiredPackages(  # noqa: N802
        self, request: messages.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> messages.GetRequiredPackagesResponse:
        """Tell which provider plugins the project's installed SDK packages need."""
        packages = _interpreter(request.info, context).plugin_packages()
        return messages.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=package.name, kind="resource", version=package.version, server=package.server
                )
                for package in packages
            ]
        )

    def About(self, request: messages.AboutRequest, context: grpc.ServicerContext) -> messages.AboutResponse:  # noqa: N802
        """Tell about the interpreter that programs run in."""
        interpreter = _interpreter(request.info, context)
        return messages.AboutResponse(executable=interpreter.executable, version=interpreter.version())

    def GetProgramDependencies(  # noqa: N802
        self, request: messages.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> messages.GetProgramDependenciesResponse:
        """List the packages installed for a program."""
        found = _interpreter(request.info, context).dependencies(transitive=request.transitiveDependencies)
        return messages.GetProgramDependenciesResponse(
            dependencies=[messages.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def Run(self, request: messages.RunRequest, context: grpc.ServicerContext) -> messages.RunResponse:  # noqa: N802
        """Run a program to its end."""
        interpreter = _interpreter(request.info, context)
        command = [interpreter.executable, "-u", *self._run_arguments(request)]
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        try:
            with self._programs.start(command, request.pwd, environment) as process:
                context.add_callback(lambda: end(process))
                exit_code = process.wait()
        except OSError as error:
            return messages.RunResponse(error=f"cannot start the program: {error}")
        if exit_code == 0:
            return messages.RunResponse()
        if exit_code == BAIL_EXIT_CODE:
            return messages.RunResponse(bail=True)
        if exit_code < 0:
            return messages.RunResponse(error=f"the program was ended by {signal.Signals(-exit_code).name}")
        return messages.RunResponse(error=f"the program ended with exit code {exit_code}")

    def _run_arguments(self, request: messages.RunRequest) -> list[str]:
        options = {
            "--monitor": request.monitor_address,
            "--engine": self._engine_address,
            "--project": request.project,
            "--root_directory": request.info.root_directory,
            "--stack": request.stack,
            "--pwd": request.pwd,
            "--parallel": str(request.parallel),
            "--organization": request.organization,
            "--dry_run": "true" if request.dryRun else "",
        }
        given = [part for option, value in options.items() if value for part in (option, value)]
        program = os.path.join(request.info.program_directory, request.info.entry_point)
        return [str(self._program_runner), *given, os.path.normpath(program), *request.args]

    def RunPlugin(  # noqa: N802
        self, request: messages.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.RunPluginResponse]:
        """Run a plugin that is written in Python (a policy pack is one) and stream what it writes."""
        interpreter = _interpreter(request.info, context)
        program = request.info.program_directory
        if request.kind == ANALYZER:
            command = [interpreter.executable, "-u", "-m", "pulumi.policy", *request.args, program]
            directory = program
        else:
            command = [interpreter.executable, "-u", program, *request.args]
            directory = request.pwd
        environment = dict(entry.split("=", 1) for entry in request.env) or dict(os.environ)
        try:
            with self._plugins.start(command, directory, environment, capture=True) as process:
                context.add_callback(lambda: end(process))
                for name, line in output(process):
                    yield _plugin_output(name, line)
                yield messages.RunPluginResponse(exitcode=process.wait())
        except OSError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"cannot start the plugin in {directory}: {error}")

    def InstallDependencies(  # noqa: N802
        self, request: messages.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.InstallDependenciesResponse]:
        """Install a project's `requirements.txt` for its interpreter; without that file there is nothing to do."""
        program = request.info.program_directory or request.directory
        requirements = Path(program, "requirements.txt")
        if not requirements.exists():
            return
        folder = _option(request.info, "virtualenv")
        if folder and not Path(request.info.root_directory, folder, "bin", "python").exists():
            make = [sys.executable, "-m", "venv", str(Path(request.info.root_directory, folder))]
            yield from self._stream(make, program, context)
        interpreter = _interpreter(request.info, context)
        install = [interpreter.executable, "-m", "pip", "install", "--disable-pip-version-check"]
        yield from self._stream([*install, "-r", str(requirements)], program, context)

    def _stream(
        self, command: Sequence[str], directory: str, context: grpc.ServicerContext
    ) -> Iterator[messages.InstallDependenciesResponse]:
        with self._plugins.start(command, directory, os.environ, capture=True) as process:
            context.add_callback(lambda: end(process))
            for name, line in output(process):
                yield messages.InstallDependenciesResponse(
                    stdout=line if name == "stdout" else b"", stderr=line if name == "stderr" else b""
                )
            exit_code = process.wait()
        if exit_code:
            context.abort(grpc.StatusCode.INTERNAL, f"`{' '.join(command)}` ended with exit code {exit_code}")

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """End running programs; policy packs go on until the engine drops them, it may still need their answers."""
        self._programs.end_all()
        return Empty()


def _plugin_output(name: str, line: bytes) -> messages.RunPluginResponse:
    # The fields exclude one another: an empty one would count as set.
    if name == "stdout":
        return messages.RunPluginResponse(stdout=line)
    return messages.RunPluginResponse(stderr=line)


def _option(info: messages.ProgramInfo, name: str) -> str:
    return info.options.fields[name].string_value if name in info.options.fields else ""


def _interpreter(info: messages.ProgramInfo, context: grpc.ServicerContext) -> Interpreter:
    try:
        return Interpreter.of_project(Path(info.root_directory), _option(info, "virtualenv"))
    except InterpreterError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def serve(host: PythonLanguageHost) -> tuple[grpc.Server, int]:
    """Start a server for a host on a free port of the loopback interface; returns both."""
    # Every running program and policy pack holds a thread until it ends.
    limit = [("grpc.max_receive_message_length", MAXIMUM_MESSAGE_BYTES)]
    server = grpc.server(  # pyright: ignore[reportUnknownMemberType]
        futures.ThreadPoolExecutor(max_workers=32), options=limit
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _watch_engine(stop: Callable[[], None]) -> None:
    """Stop when the engine is gone: it holds the other end of this process's input for as long as it lives."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def wait() -> None:
        while os.read(0, 1024):
            pass
        stop()

    threading.Thread(target=wait, daemon=True).start()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the engine ends this process or is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine_address", nargs="?", default="")
    parser.add_argument("--program-runner", type=Path, required=True)
    parser.add_argument("--engine-version", required=True)
    options, _ = parser.parse_known_args(arguments)
    host = PythonLanguageHost(options.engine_address, options.program_runner, options.engine_version)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    server, port = serve(host)
    print(port, flush=True)
    _watch_engine(stopped.set)
    stopped.wait()
    host.close()
    server.stop(grace=None).wait()


if __name__ == "__main__":
    main()
