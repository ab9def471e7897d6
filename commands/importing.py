"""From the sample's files to a product's: read, drafted, checked as the program checks them, and only then written."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from commands.product import SCHEMA_LINE
from commands.project import CommandError, landing_zone_of
from components.shell_check import check_shell
from model.files.base_products import check_base_product
from model.files.component_document import STORED_MAXIMUM
from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_KEY, LANDING_ZONE_STACK, PRODUCT_KEY, StackFile, load_product, stack_path
from model.files.problems import FileError, Problem, shown
from model.files.product import Product
from model.files.recipe import read_components
from model.files.sample.accounts import AccountNames, read_account_names
from model.files.sample.configuration import ComponentConfig, Configuration
from model.files.sample.draft import Decision, Draft, ImportedDocument, origin_of
from model.files.sample.product_values import OPTIONS, Wanted, draft_product
from model.files.sample.source import Model, SampleFile
from model.files.sample.steps import Runs, Steps, runs
from model.names import PRODUCT_NAME_MAXIMUM, PRODUCT_NAME_PATTERN, ProductNames

COMMAND = "make import"
"""Where what an import is told beside the files stands."""

MANDATORY = ("mandatoryComponents", "linux")
DEFAULT_COMPONENTS = "defaultComponentConfig"
"""Where later versions of the sample have its default components: in the configuration itself."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Request:
    """What a person asks for."""

    project: Path
    product: str
    config: Path
    defaults: Path | None = None
    accounts: Path | None = None
    topic_key: str | None = None


@dataclass(frozen=True)
class Import:
    """What was made of the sample's files, checked and not yet written."""

    request: Request
    product: Product
    landing_zone: LandingZone
    files: Mapping[Path, str]
    """Text of each file to write, by its path in the project."""
    sources: Mapping[Path, str]
    """The file that each of them was made of."""
    mandatory: Mapping[str, Any]
    """Steps to add to the landing zone's mandatory ones."""
    decisions: tuple[Decision, ...]

    def write(self) -> None:
        """Write all files; raises `CommandError` where one cannot be, and then leaves none of them."""
        written: list[Path] = []
        try:
            for name, text in self.files.items():
                path = self.request.project / name
                path.parent.mkdir(exist_ok=True)
                with path.open("x", encoding="utf-8", newline="") as file:
                    written.append(path)
                    file.write(text)
        except OSError as error:
            for path in written:
                path.unlink()
            raise CommandError(f"{error.filename or 'a file'} cannot be written: {error.strerror}") from None


def import_configuration(request: Request) -> Import:
    """Make a product's files of the sample's; raises `FileError` with everything that is wrong, and writes nothing."""
    return _Importing(request, landing_zone_of(request.project)).run()


class _Importing:
    """One import, and all that is wrong with it."""

    def __init__(self, request: Request, landing_zone: LandingZone) -> None:
        self._request = request
        self._landing_zone = landing_zone
        self._problems: list[Problem] = []
        self._mandatory: dict[str, Any] = {}
        self._read: dict[str, Path] = {}
        hub = landing_zone.hub
        self._names = ProductNames(request.product, hub.account, hub.region)

    def run(self) -> Import:
        drafts = self._drafts()
        self._raise()
        own, *_ = drafts
        documents = [document for draft in drafts for document in draft.documents]
        texts = {self._path(document): self._text(document) for document in documents}
        self._problems += [problem for draft in drafts for problem in draft.problems]
        text = f"{SCHEMA_LINE}\n" + yaml.safe_dump(
            {"config": {PRODUCT_KEY: own.values}}, sort_keys=False, width=120, allow_unicode=True
        )
        files = {Path("stacks", f"Pulumi.{self._request.product}.yaml"): text, **texts}
        self._refuse_existing(files)
        product = self._checked(files, drafts)
        self._raise()
        assert product is not None
        kept = {path: text for path, text in files.items() if not (self._request.project / path).is_file()}
        decisions = tuple(decision for draft in drafts for decision in draft.decisions)
        sources = {path: own.source.name for path in files} | {Path(path): shown(at) for path, at in self._read.items()}
        return Import(self._request, product, self._landing_zone, kept, sources, self._mandatory, decisions)

    def _drafts(self) -> list[Draft]:
        """The product's draft, and that of the landing zone's mandatory steps where there are defaults."""
        request = self._request
        name = request.product
        fits = len(name) <= PRODUCT_NAME_MAXIMUM and re.fullmatch(PRODUCT_NAME_PATTERN, name)
        if not fits:
            message = (
                f"must match {PRODUCT_NAME_PATTERN} and have at most {PRODUCT_NAME_MAXIMUM} characters, got {name!r}"
            )
            self._problems.append(Problem(COMMAND, 0, "PRODUCT", message))
        config, source = self._sample(request.config, Configuration)
        defaults, other = self._sample(request.defaults, ComponentConfig)
        accounts: list[AccountNames] = []
        with self._gathering():
            accounts.append(read_account_names(request.accounts, self._landing_zone))
        if config is None or source is None or not accounts or self._problems:
            return []
        others: list[Draft] = []
        if defaults is not None and other is not None:
            others.append(self._mandatory_draft(defaults, other, ()))
        elif config.default_components is not None:
            others.append(self._mandatory_draft(config.default_components, source, (DEFAULT_COMPONENTS,)))
        draft = Draft(source)
        if config.default_components is not None and other is not None:
            draft.refuse((DEFAULT_COMPONENTS,), f"stands beside DEFAULTS ({other.name}); give one of them")
        wanted = Wanted(self._names, accounts[0], self._held() | _running(self._mandatory), request.topic_key)
        draft_product(config, draft, wanted)
        return [draft, *others]

    def _held(self) -> frozenset[Runs]:
        """What the landing zone's mandatory steps run already."""
        held = self._landing_zone.mandatory_components.linux
        return _running(held.model_dump(mode="json"))

    def _sample(self, path: Path | None, model: type[Model]) -> tuple[Model | None, SampleFile | None]:
        if path is not None:
            with self._gathering():
                source = SampleFile.read(path)
                return source.validate(model), source
        return None, None

    def _mandatory_draft(self, config: ComponentConfig, source: SampleFile, origin: tuple[str, ...]) -> Draft:
        draft = Draft(source)
        held = self._landing_zone.mandatory_components.linux
        steps = Steps(draft, LANDING_ZONE_STACK, mandatory=self._held())
        self._mandatory = steps.of(config, origin, MANDATORY, held)
        return draft

    @staticmethod
    def _path(document: ImportedDocument) -> Path:
        return Path("stacks", document.stack, document.name)

    def _text(self, document: ImportedDocument) -> str:
        """A document's text; the sample runs in the folder above its configuration's."""
        folder = Path(document.source.name).parent
        places = [root / document.file for root in (folder, folder.parent if folder.name else folder / "..")]
        found = next((place for place in places if place.is_file()), None)
        message = (
            f"there is no {' nor '.join(shown(place) for place in dict.fromkeys(places))}; copy the document there"
        )
        if found is not None:
            self._read[str(self._path(document))] = found
            try:
                content = found.read_bytes()
                if len(content) <= STORED_MAXIMUM:
                    return content.decode("utf-8-sig")
                message = f"{shown(found)} has {len(content)} bytes, and Image Builder reads at most {STORED_MAXIMUM}"
            except OSError as error:
                message = f"{shown(found)} cannot be read: {error.strerror}"
            except UnicodeDecodeError as error:
                message = f"{shown(found)} is not UTF-8 text ({error.reason}); save it as UTF-8"
        self._problems.append(document.source.problem(document.location, message))
        return ""

    def _refuse_existing(self, files: Mapping[Path, str]) -> None:
        for path, text in files.items():
            there = self._request.project / path
            same = path.parts[1] == LANDING_ZONE_STACK and there.is_file() and there.read_bytes() == text.encode()
            if there.exists() and not same:
                message = f"{path} is there already, and nothing is overwritten; remove it, or choose another name"
                self._problems.append(Problem(COMMAND, 0, "PRODUCT", message))

    def _checked(self, files: Mapping[Path, str], drafts: list[Draft]) -> Product | None:
        """The product as the program will read it, in a folder where nothing else sees it."""
        with tempfile.TemporaryDirectory() as folder:
            stage = Path(folder)
            self._fill(stage, files)
            translation = _Translation(stage, self._request.product, drafts, self._read)
            with self._gathering(translation):
                landing_zone = landing_zone_of(stage)
                product = load_product(stack_path(stage, self._request.product), landing_zone)
                if not self._problems:
                    check_base_product(product, landing_zone, stage)
                    check_shell(read_components(product, landing_zone, stage))
                return product
        return None

    def _fill(self, stage: Path, files: Mapping[Path, str]) -> None:
        project = self._request.project
        (stage / "runtime").symlink_to(project / "runtime")
        own = project / "stacks" / LANDING_ZONE_STACK
        if own.is_dir():
            shutil.copytree(own, stage / "stacks" / LANDING_ZONE_STACK)
        for name, text in files.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(text, encoding="utf-8", newline="")
        file = StackFile.read(stack_path(project, LANDING_ZONE_STACK))
        values = dict(file.values[LANDING_ZONE_KEY])
        if self._mandatory:
            values["mandatoryComponents"] = with_steps(values.get("mandatoryComponents"), self._mandatory)
            text = yaml.safe_dump({"config": {LANDING_ZONE_KEY: values}}, sort_keys=False)
            stack_path(stage, LANDING_ZONE_STACK).write_text(text, encoding="utf-8")
        else:
            shutil.copy(stack_path(project, LANDING_ZONE_STACK), stack_path(stage, LANDING_ZONE_STACK))

    @contextmanager
    def _gathering(self, translation: _Translation | None = None) -> Generator[None]:
        try:
            yield
        except FileError as error:
            self._problems += [translation.of(each) if translation else each for each in error.problems]

    def _raise(self) -> None:
        if self._problems:
            raise FileError(list(dict.fromkeys(self._problems)))


def with_steps(mandatory: Mapping[str, Any] | None, steps: Mapping[str, Any]) -> dict[str, Any]:
    """A landing zone's mandatory components with further ones of Linux behind its own."""
    found = dict(mandatory or {})
    linux = dict(found.get("linux") or {})
    for stage, added in steps.items():
        linux[stage] = [*(linux.get(stage) or []), *added]
    return {**found, "linux": linux}


def _running(stages: Mapping[str, Any]) -> frozenset[Runs]:
    return frozenset(what for steps in stages.values() for step in steps if (what := runs(step)) is not None)


@dataclass(frozen=True)
class _Translation:
    """Tells what is wrong in a drafted file by the key of the sample's that it came from."""

    stage: Path
    product: str
    drafts: list[Draft]
    documents: Mapping[str, Path]
    """The files that documents were read from."""

    def of(self, problem: Problem) -> Problem:
        inside = f"{shown(self.stage)}/"
        file, message = problem.file.removeprefix(inside), problem.message.replace(inside, "")
        if file in self.documents:
            return Problem(shown(self.documents[file]), problem.line, problem.field, message)
        if file == f"stacks/Pulumi.{self.product}.yaml" and problem.field in OPTIONS:
            return Problem(COMMAND, 0, OPTIONS[problem.field], message)
        for draft in self.drafts:
            origin = origin_of(draft.origins, problem.field)
            if origin is not None:
                return draft.source.problem(origin, message)
        return Problem(file, 0, problem.field, message)
