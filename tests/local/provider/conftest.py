"""An AWS in memory: requests are validated by botocore's models, answers come from the tests' own state."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from local.engine.go_build import EngineError
from local.engine.install import install
from local.environment import LocalFolder
from local.progress import Report
from local.provider.configuration import Configuration
from local.provider.requests import Provider
from local.provider.sessions import Sessions
from local.provider.work import service_model

ACCOUNT = "111111111111"


class FakeClient:
    """A client whose operations are functions of the test, called once botocore's model accepts the request."""

    def __init__(self, service: str, operations: dict[str, Callable[..., Any]], calls: list[tuple[str, Any]]) -> None:
        self._operations = operations
        self._calls = calls
        self._names = {xform_name(name): name for name in service_model(service).operation_names}
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = self._names[method]

        def call(**parameters: Any) -> Any:
            shape = service_model(self._service).operation_model(operation).input_shape
            if shape is not None:
                report = ParamValidator().validate(parameters, shape)
                assert not report.has_errors(), f"{operation}: {report.generate_report()}"
            self._calls.append((operation, parameters))
            return self._operations[operation](**parameters)

        return call


class FakeSessions(Sessions):
    """Sessions without credentials; `operations` holds the services' behaviour, `calls` what was asked."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.operations: dict[str, Callable[..., Any]] = {}
        self.calls: list[tuple[str, Any]] = []

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of the fake."""
        return FakeClient(service, self.operations, self.calls)

    @property
    def account(self) -> str:
        """The account of the tests."""
        return ACCOUNT

    def called(self, operation: str) -> list[Any]:
        """Parameters of every call of an operation."""
        return [parameters for name, parameters in self.calls if name == operation]


def aws_error(code: str, message: str = "refused") -> ClientError:
    """An error as AWS answers it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Op")


@pytest.fixture
def refusal() -> Callable[..., ClientError]:
    return aws_error


@pytest.fixture
def sessions() -> FakeSessions:
    return FakeSessions(Configuration.parse({"region": "us-east-1", "defaultTags": '{"tags":{"owner":"platform"}}'}))


@pytest.fixture
def provider(sessions: FakeSessions) -> Provider:
    configured = Provider()
    configured.use(sessions)
    return configured


@pytest.fixture(scope="session")
def engine_folder() -> LocalFolder:
    folder = LocalFolder()
    try:
        install(folder, Report(), os.environ.get("PATH", ""))
    except EngineError as error:
        pytest.fail(str(error))
    return folder
