"""A product's recipe from its files: the landing zone's steps, the product's own, and the team's script, in order.

Source: seed 002, default_component.json: mandatory build steps come first, mandatory test steps last. Everything that
can be wrong in a document or its parameters is told here, before Image Builder is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model.files.component_bucket import StoredDocuments, bucket_problems, read_stored
from model.files.component_document import ComponentDocument, DocumentFile, PhaseName
from model.files.component_steps import Components, ComponentStep, label_of
from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_KEY, LANDING_ZONE_STACK, PRODUCT_KEY, StackFile, stack_path
from model.files.problems import FileError, Location, Problem, dotted, shown
from model.files.product import Product

INSTALL_SCRIPTS = "install-scripts"
"""Label of the component that runs the team's script."""

COMPONENT_MAXIMUM = 20
"""Components of a recipe (Image Builder User Guide, "Quotas")."""

STAGES = ("build", "finish", "test")

READY_MADE = Path("runtime", "components")
SCRIPT_INSTALLERS = Path("runtime", "documents")


@dataclass(frozen=True)
class PlacedStep:
    """A step, and where it is stated."""

    step: ComponentStep
    stage: str
    stack: str
    key: str
    file: StackFile
    location: Location

    def problem(self, message: str, *field: str | int) -> Problem:
        """What is wrong with the step, or with one of its fields."""
        place = (*self.location, *field)
        return Problem(self.file.name, self.file.line(self.key, place), dotted(place), message)


@dataclass(frozen=True)
class RecipeComponent:
    """One component of a recipe: an AWSTOE document of ours, or an ARN that Image Builder has."""

    label: str
    """Tells the product's components apart; part of the component's name."""
    document: DocumentFile | None = None
    """None for a component that Image Builder has."""
    placed: PlacedStep | None = None
    """The step that states it; None for the component that runs the team's script."""

    @property
    def text(self) -> str | None:
        """The document's text."""
        return self.document.text if self.document else None

    @property
    def arn(self) -> str | None:
        """ARN of a component that Image Builder has."""
        return self.placed.step.arn if self.placed else None

    @property
    def parameters(self) -> Mapping[str, str]:
        """Values that the files state."""
        return self.placed.step.parameters if self.placed else {}

    @property
    def version(self) -> str | None:
        """Version that a file states."""
        return self.placed.step.version if self.placed else None


class _Reader:
    """Resolves the steps of one product and gathers what is wrong."""

    def __init__(self, project: Path, product: Product, stored: StoredDocuments | None) -> None:
        self._project = project
        self._system = system = product.operating_system
        self._bucket = product.component_bucket
        self._stored = stored
        self._installer = project / SCRIPT_INSTALLERS / f"{INSTALL_SCRIPTS}-{system}.yaml"
        self._sources = {INSTALL_SCRIPTS: shown(self._installer)}
        self._versions: dict[str, str | None] = {}
        self.problems: list[Problem] = []
        self._documents: dict[str, DocumentFile] = {}

    def resolve(self, placed: PlacedStep) -> RecipeComponent | None:
        """The component of a step; None where it is wrong."""
        step = placed.step
        if step.arn is not None:
            return RecipeComponent(_label_of(step.arn), placed=placed)
        if self._bucket is not None and step.bucket_document is not None:
            source = self._bucket.address(step.bucket_document)
            document = self._read(source, lambda: self._read_stored(placed))
            label = label_of(PurePosixPath(step.bucket_document).stem)
        else:
            path = self._path(placed)
            source = shown(path)
            document = self._read(source, lambda: self._read_file(placed, path))
            label = path.stem.removesuffix(f"-{self._system}") if step.ready_made else path.stem
        if document is None:
            return None
        self.problems += _misplaced(placed, document.content)
        self.problems += _parameter_problems(placed, document.content)
        if (other := self._sources.setdefault(label, source)) != source:
            self.problems.append(placed.problem(f"{source} would be called like {other}; rename one of them"))
        if self._versions.setdefault(label, step.version) != step.version:
            message = f"{step.source} is stated with another version before; state the same one"
            self.problems.append(placed.problem(message, "version"))
        return RecipeComponent(label, document, placed)

    def installer(self) -> RecipeComponent:
        """The component that runs the team's script; its parameters are known when names are."""
        return RecipeComponent(INSTALL_SCRIPTS, DocumentFile.read(self._installer))

    def _path(self, placed: PlacedStep) -> Path:
        step = placed.step
        if step.document is not None:
            return self._project / "stacks" / placed.stack / step.document
        return self._project / READY_MADE / f"{step.ready_made}-{self._system}.yaml"

    def _read(self, source: str, read: Callable[[], DocumentFile | None]) -> DocumentFile | None:
        if source in self._documents:
            return self._documents[source]
        try:
            document = read()
        except FileError as error:
            self.problems += error.problems
            return None
        if document is not None:
            self.problems += [document.problem(*wrong) for wrong in document.content.system_problems(self._system)]
            self._documents[source] = document
        return document

    def _read_file(self, placed: PlacedStep, path: Path) -> DocumentFile | None:
        if path.is_file():
            return DocumentFile.read(path)
        field = "document" if placed.step.document else "readyMade"
        self.problems.append(placed.problem(self._missing(placed, path), field))
        return None

    def _read_stored(self, placed: PlacedStep) -> DocumentFile | None:
        name = placed.step.bucket_document
        if self._stored is None or self._bucket is None or name is None:
            return None
        problems = list(bucket_problems(self._bucket, self._stored[name]))
        self.problems += [placed.problem(problem, "bucketDocument") for problem in problems]
        return None if problems else read_stored(self._bucket, name, self._stored[name])

    def _missing(self, placed: PlacedStep, path: Path) -> str:
        if placed.step.document is not None:
            return f"{shown(path)} is not there; write it, or correct the name"
        suffix = f"-{self._system}.yaml"
        known = sorted(file.name.removesuffix(suffix) for file in (self._project / READY_MADE).glob(f"*{suffix}"))
        return (
            f"there is no ready-made component {placed.step.ready_made!r} for {self._system.platform} "
            f"({', '.join(known)}); choose one of them, or state a document of your own"
        )


def read_components(
    product: Product, landing_zone: LandingZone, project: Path, stored: StoredDocuments | None = None
) -> tuple[RecipeComponent, ...]:
    """All components of a product's recipe, in their order; raises `FileError` with everything that is wrong.

    `stored` is what the product's bucket holds of the documents that it names there; where nobody asked for it, they
    are neither checked nor among the components.
    """
    placed = placed_steps(product, landing_zone, project)
    reader = _Reader(project, product, stored)
    by_stage = {stage: [reader.resolve(each) for each in placed if each.stage == stage] for stage in STAGES}
    found = [*by_stage["build"], reader.installer(), *by_stage["finish"], *by_stage["test"]]
    problems = [*reader.problems, *_repetitions(placed), *_foreign_regions(placed, landing_zone.hub.region)]
    if len(found) > COMPONENT_MAXIMUM:
        file = StackFile.with_lines_of(stack_path(project, product.name))
        mandatory = sum(each.stack == LANDING_ZONE_STACK for each in placed)
        proxy = ", two for the proxy" if product.proxy else ""
        message = (
            f"the recipe has {len(found)} components, {mandatory} of them mandatory{proxy} and one for the script, "
            f"and Image Builder takes {COMPONENT_MAXIMUM}; put some of them into one document"
        )
        problems.append(Problem(file.name, file.line(PRODUCT_KEY, ("components",)), "components", message))
    if problems:
        raise FileError(problems)
    return tuple(component for component in found if component is not None)


def placed_steps(product: Product, landing_zone: LandingZone, project: Path) -> list[PlacedStep]:
    """The product's and the mandatory steps in the order in which they run."""
    system = product.operating_system
    mandatory = landing_zone.mandatory_components.of(system)
    files = {name: StackFile.with_lines_of(stack_path(project, name)) for name in (product.name, LANDING_ZONE_STACK)}

    def placed(components: Components, stage: str, stack: str) -> list[PlacedStep]:
        own = stack == product.name
        key = PRODUCT_KEY if own else LANDING_ZONE_KEY
        place = ("components", stage) if own else ("mandatoryComponents", system.value, stage)
        steps: tuple[ComponentStep, ...] = getattr(components, stage)
        return [PlacedStep(step, stage, stack, key, files[stack], (*place, index)) for index, step in enumerate(steps)]

    found: list[PlacedStep] = []
    for stage in STAGES:
        halves = [placed(mandatory, stage, LANDING_ZONE_STACK), placed(product.components, stage, product.name)]
        for half in halves if stage == "build" else reversed(halves):
            found += half
    return _through_proxy(product, files[product.name], found)


def _through_proxy(product: Product, file: StackFile, steps: list[PlacedStep]) -> list[PlacedStep]:
    """The steps between two that set and take away the product's proxy, so that mandatory ones have it too."""
    if product.proxy is None:
        return steps
    values = {"Url": product.proxy.url, "Direct": ",".join(product.proxy.direct)}
    setting = ComponentStep.model_validate({"readyMade": "proxy", "parameters": values})
    removal = ComponentStep.model_validate({"readyMade": "no-proxy"})
    before, after = (
        PlacedStep(step, stage, product.name, PRODUCT_KEY, file, ("proxy",))
        for step, stage in ((setting, "build"), (removal, "finish"))
    )
    return [before, *steps, after]


def _misplaced(placed: PlacedStep, document: ComponentDocument) -> Iterator[Problem]:
    phases = document.phase_names
    source = placed.step.source
    if placed.stage == "test" and phases != frozenset({PhaseName.TEST}):
        others = ", ".join(sorted(phases - {PhaseName.TEST}))
        yield placed.problem(f"{source} has phase {others}, which runs before the tests; state it under build")
    elif placed.stage != "test" and phases == frozenset({PhaseName.TEST}):
        yield placed.problem(f"{source} has a test phase only; state it under test")


def _parameter_problems(placed: PlacedStep, document: ComponentDocument) -> Iterator[Problem]:
    defaults = document.defaults
    for name in placed.step.parameters:
        if name not in defaults:
            known = ", ".join(defaults) or "none"
            message = f"is no parameter of {placed.step.source} ({known}); remove it or correct its spelling"
            yield placed.problem(message, "parameters", name)
    for name, default in defaults.items():
        if default is None and name not in placed.step.parameters:
            message = f"is missing: {placed.step.source} has no default for it; add it"
            yield placed.problem(message, "parameters", name)


def _repetitions(placed: Iterable[PlacedStep]) -> Iterator[Problem]:
    seen: dict[tuple[str, str, str], PlacedStep] = {}
    for each in placed:
        own = each.stack if each.step.document else ""
        what = (own, each.step.source, repr(sorted(each.step.parameters.items())))
        first = seen.setdefault(what, each)
        if first is not each:
            where = f"{first.file.name}: {dotted(first.location)}"
            yield each.problem(f"{each.step.source} runs already with the same values ({where}); remove one of them")


def _foreign_regions(placed: Iterable[PlacedStep], region: str) -> Iterator[Problem]:
    for each in placed:
        found = (each.step.arn or "").split(":")[3:4]
        if found and found != [region]:
            message = f"is of Region {found[0]}, and images are built in {region}; name the component of that Region"
            yield each.problem(message, "arn")


def _label_of(arn: str) -> str:
    return arn.split(":component/")[1].split("/")[0]
