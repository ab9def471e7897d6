"""Importing the configuration of AWS's golden AMI sample: what it becomes, and what is told of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.importing import Import, Request, import_configuration
from commands.project import CommandError
from model.files.loading import LANDING_ZONE_KEY, load_product, stack_path
from model.files.problems import FileError
from tests.sample.configurations import DEFAULTS, DOCUMENTS, TOPIC_KEY, Project, least, whole

UPDATE = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.2/1"
REBOOT = "arn:aws:imagebuilder:us-east-1:aws:component/reboot-test-linux/1.0.0/1"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.made(tmp_path)


def chosen(done: Import) -> dict[str, str]:
    return {decision.key: decision.chosen for decision in done.decisions}


def refusals(project: Project, config: Any, **request: Any) -> list[str]:
    before = project.files()
    with pytest.raises(FileError) as raised:
        project.imported(config, **request)
    assert project.files() == before
    return [
        f"{Path(problem.file).name}:{problem.line}: {problem.field}: {problem.message}"
        for problem in raised.value.problems
    ]


def test_the_seeds_examples_become_a_product_with_its_documents(project: Project) -> None:
    done = project.imported(topic_key=TOPIC_KEY)
    done.write()
    product = load_product(stack_path(project.folder, "sample"), done.landing_zone)
    assert product == done.product
    assert product.base_image.parent_image == "ssm:/golden/ami"
    steps = product.components
    assert [(step.source, step.version) for step in steps.build] == [
        ("build1.yaml", "1.0.1"),
        (UPDATE, None),
        ("build2.yaml", "1.0.1"),
    ]
    assert [step.source for step in steps.test] == ["test2.yaml", REBOOT]
    assert steps.build[0].parameters == {"param1": "value1", "param2": "value2"}
    assert (product.recipe_version, product.retain_old_versions) == ("3.1.6", False)
    volume = product.root_volume
    assert (volume.size, volume.type, volume.delete_on_termination) == (3072, "gp2", False)
    assert product.instance_types == ("t2.small",)
    assert product.image.tags["Name"] == "golden-ami-nk-amf-dev-{{imagebuilder:buildDate}}"
    assert product.tags["Name"] == "golden-ami-nk-amf-dev"
    assert [(entry.region, entry.accounts) for entry in product.distribution] == [
        ("us-east-1", ("workloads-production", "workloads-test"))
    ]
    assert product.notifications.topic == "arn:aws:sns:us-east-1:111111111111:myTopic"
    sample = project.config.parents[1] / DOCUMENTS
    for name, source in (("build1", "build1"), ("build2", "build2"), ("test2", "test1")):
        written = project.folder / "stacks" / "sample" / f"{name}.yaml"
        assert written.read_bytes() == (sample / f"{source}.yaml").read_bytes()


def test_every_name_that_is_computed_and_every_insecure_choice_is_told(project: Project) -> None:
    config: dict[str, Any] = {**whole(), "iamEncryption": False, "ami_component_bucket_version": "false"}
    config["infrastructure"] = {**config["infrastructure"], "subnet_id": "subnet-0123456789abcdef0"}
    told = chosen(project.imported(config))
    for key in ("imagePipelineName", "image_receipe.image_recipe_name", "infrastructure.name", "distributionName"):
        assert told[key] == "golden-ami-sample"
    assert told["key_alias"] == "alias/golden-ami/sample/image"
    assert told["instanceProfileName"] == told["instanceProfileRoleName"] == "golden-ami-sample-build-instance"
    assert told["ami_component_bucket_name"] == "golden-ami-sample-111111111111-us-east-1"
    assert (told["iamEncryption"], told["ami_component_bucket_version"]) == ("true", "versioned")
    assert "of the product's own" in told["infrastructure.security_groups"]
    assert "TOPIC_KEY" in told["sns_topic"]
    assert told["entryScript"] == "install.sh"


SPELLINGS: dict[str, dict[str, str]] = {
    "later": {
        "attr": "attribute",
        "ami_component_bucket_name": "amiComponentBucketName",
        "ami_component_bucket_create": "amiComponentBucketCreate",
        "ami_component_bucket_version": "amiComponentBucketVersion",
        "resource_removal_policy": "resourceRemovalPolicy",
        "components_prefix": "componentsPrefix",
        "key_alias": "keyAlias",
        "image_receipe": "imageRecipe",
        "image_recipe_version": "imageRecipeVersion",
        "image_recipe_name": "imageRecipeName",
        "volume_size": "volumeSize",
        "volume_type": "volumeType",
        "instance_type": "instanceType",
        "Component_Config": "componentConfig",
        "Distribution": "distributionConfig",
        "sns_topic": "snsTopic",
        "scheduleExpression": "ScheduleExpression",
    },
    "earlier": {
        "image_receipe": "image_recipe",
        "image_recipe_version": "image_receipe_version",
        "image_recipe_name": "image_receipe_name",
        "Inspector_Config": "inspector_config",
    },
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_key_says_the_same(project: Project, spelling: str) -> None:
    text = json.dumps(whole())
    for key, other in SPELLINGS[spelling].items():
        text = text.replace(f'"{key}":', f'"{other}":')
    assert text != json.dumps(whole())
    assert project.imported(text).product == project.imported(whole()).product


def test_text_is_read_where_numbers_and_booleans_are_meant(project: Project) -> None:
    config = whole()
    config["image_receipe"] |= {"volume_size": "3072", "deleteOnTermination": "false"}
    config["ami_component_bucket_create"] = "true"
    config["resource_removal_policy"] = "DESTROY"
    config["amitag"]["golden_ami"] = True
    config["infrastructure"]["instance_type"] = "t2.small"
    config["Component_Config"]["Build"][0]["parameter"][0]["value"] = "value1"
    assert project.imported(config).product == project.imported(whole()).product


def test_account_ids_of_the_landing_zone_need_no_map(project: Project) -> None:
    config = {**least(), "Distribution": [{"region": "eu-west-1", "accounts": [222222222222, "333333333333"]}]}
    product = project.imported(config, accounts=None).product
    assert product.distribution[0].accounts == ("workloads-production", "workloads-test")


def test_accounts_that_nobody_knows_are_told_with_what_to_add(project: Project) -> None:
    first, second = refusals(project, whole(), accounts=None)
    assert "Distribution.0.accounts.0: account '1234556789' is not in the landing zone; add it to its targets" in first
    assert "(workloads-production, workloads-test, hub)" in second


def test_the_hub_needs_no_copy_of_its_own_image(project: Project) -> None:
    accounts = ["111111111111", "222222222222"]
    config = {**least(), "Distribution": [{"region": "us-east-1", "accounts": accounts}]}
    done = project.imported(config)
    assert done.product.distribution[0].accounts == ("workloads-production",)
    assert chosen(done)["Distribution.0.accounts.0"] == "left out"
    alone = project.imported({**least(), "Distribution": [{"region": "us-east-1", "accounts": accounts[:1]}]})
    assert alone.product.distribution[0].accounts == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "must map account ids"),
        ("1: nowhere", "'nowhere' is no account of the landing zone"),
        ("1: hub\n1: hub", "1: is stated twice"),
        ("1: [hub]", "1: 'tag:yaml.org,2002:seq' is no account"),
        ("{", "not YAML"),
    ],
)
def test_a_map_that_says_nothing_is_told(project: Project, text: str, told: str) -> None:
    path = project.folder / "accounts.yaml"
    path.write_text(text, encoding="utf-8")
    (problem,) = refusals(project, whole(), accounts=path)
    assert problem.startswith("accounts.yaml:")
    assert told in problem


def test_default_components_become_mandatory_steps_to_add_by_hand(project: Project) -> None:
    landing_zone = stack_path(project.folder, "landing-zone").read_text(encoding="utf-8")
    done = project.imported(defaults=DEFAULTS)
    assert done.mandatory == {"build": [{"arn": UPDATE}], "test": [{"arn": REBOOT}]}
    # Otherwise they would run twice.
    assert [step.source for step in done.product.components.build] == ["build1.yaml", "build2.yaml"]
    assert chosen(done)["Component_Config.Build.1.arn"] == "left out"
    done.write()
    assert stack_path(project.folder, "landing-zone").read_text(encoding="utf-8") == landing_zone
    config = {**whole(), "defaultComponentConfig": json.loads(DEFAULTS.read_text(encoding="utf-8"))}
    assert project.imported(config, product="other").mandatory == done.mandatory


def test_default_components_that_are_mandatory_already_are_not_added_again(project: Project) -> None:
    path = stack_path(project.folder, "landing-zone")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["config"][LANDING_ZONE_KEY]["mandatoryComponents"]["linux"]["build"].append({"arn": UPDATE})
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    done = project.imported(defaults=DEFAULTS)
    assert done.mandatory == {"test": [{"arn": REBOOT}]}
    assert chosen(done)["Build.0.arn"] == "left out"


@pytest.mark.parametrize(
    ("version", "chosen_condition"),
    [("1.0.2/1", "always"), ("1.0.x", None)],
)
def test_a_schedule_waits_for_updates_only_where_a_component_moves(
    project: Project, version: str, chosen_condition: str | None
) -> None:
    path = stack_path(project.folder, "landing-zone")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    arn = f"arn:aws:imagebuilder:us-east-1:aws:component/update-linux/{version}"
    # A value is no version, whatever it looks like.
    step = {"arn": arn, "parameters": {"From": "https://example.com/packages.xz"}}
    content["config"][LANDING_ZONE_KEY]["mandatoryComponents"]["linux"]["build"].append(step)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    done = project.imported({**least(), "schedule": {"scheduleExpression": "cron(0 10 ? * MON *)"}})
    assert chosen(done).get("schedule.pipelineExecutionStartCondition") == chosen_condition
    assert done.product.schedule is not None
    assert done.product.schedule.start_condition == (chosen_condition or "updates-available")


def test_documents_of_default_components_lie_beside_the_landing_zones_file(project: Project) -> None:
    step = {"name": "Register_Host", "file": f"{DOCUMENTS}/build2.yaml", "version": "1.0.0"}
    defaults = project.folder / "sample" / "bin" / "default_component.json"
    defaults.write_text(json.dumps({"Build": [step]}), encoding="utf-8")
    done = project.imported(defaults=defaults)
    assert done.mandatory == {"build": [{"document": "register-host.yaml", "version": "1.0.0"}]}
    assert Path("stacks/landing-zone/register-host.yaml") in done.files
    done.write()
    again = project.imported(defaults=defaults, product="other")
    assert Path("stacks/landing-zone/register-host.yaml") not in again.files


def test_a_mistake_in_default_components_is_told_in_their_own_file(project: Project) -> None:
    defaults = project.folder / "sample" / "bin" / "default_component.json"
    foreign = UPDATE.replace("us-east-1", "eu-west-1")
    defaults.write_text(json.dumps({"Test": [{"arn": foreign}]}, indent=1), encoding="utf-8")
    (problem,) = refusals(project, whole(), defaults=defaults)
    assert problem.startswith("default_component.json:4: Test.0.arn: is of Region eu-west-1")


def test_a_bucket_that_is_there_keeps_its_documents(project: Project) -> None:
    done = project.imported({**whole(), "ami_component_bucket_create": False})
    bucket, steps = done.product.component_bucket, done.product.components
    assert bucket is not None
    assert (bucket.name, bucket.prefix) == ("golden-ami-component-nk", f"{DOCUMENTS}/")
    assert [step.bucket_document for step in (*steps.build, *steps.test)] == [
        "build1.yaml", None, "build2.yaml", "test1.yaml", None,
    ]  # fmt: skip
    assert [str(path) for path in done.files] == ["stacks/Pulumi.sample.yaml"]


def test_documents_beside_the_prefix_have_none(project: Project) -> None:
    config = {**whole(), "ami_component_bucket_create": False, "components_prefix": "elsewhere"}
    bucket = project.imported(config).product.component_bucket
    assert bucket is not None
    assert bucket.prefix == ""


def test_nothing_is_overwritten_and_all_that_is_there_is_told(project: Project) -> None:
    project.imported().write()
    problems = refusals(project, whole())
    assert [problem.split()[3] for problem in problems] == [
        "stacks/Pulumi.sample.yaml",
        "stacks/sample/build1.yaml",
        "stacks/sample/build2.yaml",
        "stacks/sample/test2.yaml",
    ]
    assert all("is there already, and nothing is overwritten" in problem for problem in problems)


def test_a_file_that_cannot_be_written_leaves_none(project: Project) -> None:
    done = project.imported()
    (project.folder / "stacks" / "sample").mkdir()
    (project.folder / "stacks" / "sample" / "test2.yaml").write_text("a person's own", encoding="utf-8")
    before = project.files()
    with pytest.raises(CommandError, match=r"test2\.yaml cannot be written: File exists"):
        done.write()
    assert project.files() == before


def test_a_product_that_is_no_name_is_told_before_anything_else(project: Project) -> None:
    for name in ("", "../escape", "A", "a" * 25):
        (problem,) = refusals(project, whole(), product=name)
        assert problem.startswith("make import:0: PRODUCT: must match")


def test_everything_wrong_in_all_files_is_told_at_once(project: Project) -> None:
    (project.config.parents[1] / DOCUMENTS / "build2.yaml").unlink()
    config = whole()
    config["image_receipe"]["volume_size"] = 20_000
    config["tag"]["owner"] = "a<b"
    config["Component_Config"]["Build"][0]["parameter"][1]["value"] = ["a", "b"]
    config["Component_Config"]["Test"][0]["file"] = f"../{DOCUMENTS}/test1.yaml"
    config["Distribution"][0]["region"] = "mars-north-1"
    keys = [problem.split(": ")[1] for problem in refusals(project, config, topic_key="alias/mine")]
    assert set(keys) == {
        "Component_Config.Build.0.parameter.1.value",
        "Component_Config.Build.2.file",
        "Component_Config.Test.0.file",
        "image_receipe.volume_size",
        "tag.owner",
        "Distribution.0.region",
        "TOPIC_KEY",
    }


def test_a_document_that_image_builder_would_refuse_is_told_with_its_line(project: Project) -> None:
    path = project.config.parents[1] / DOCUMENTS / "build2.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("ExecuteBash", "ExecuteBsh"), encoding="utf-8")
    (problem,) = refusals(project, whole())
    assert problem.startswith("build2.yaml:8: phases.0.steps.0.action: 'ExecuteBsh' is no action of AWSTOE")


def test_two_steps_that_would_be_one_document_are_told(project: Project) -> None:
    config = whole()
    config["Component_Config"]["Build"][2]["name"] = "Build_1"
    config["Component_Config"]["Build"][0]["name"] = "build-1"
    (problem,) = refusals(project, config)
    assert "Component_Config.Build.2.name: makes build-1.yaml, which is" in problem


def test_a_key_that_is_stated_in_two_spellings_is_told(project: Project) -> None:
    config = {**whole(), "imageRecipe": {"imageRecipeVersion": "1.0.0"}}
    (problem,) = refusals(project, config)
    assert "imageRecipe" in problem or "image_receipe" in problem
    assert "is stated twice (image_receipe and imageRecipe); keep one" in problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON: Expecting value"),
        ('{"attr": }', "config.json:1: : not JSON"),
        ('{"attr": "poc",\n "attr": "poc"}', "config.json:1: attr: is stated twice; keep one"),
        ("[]", "object"),
        ('{"attr": NaN}', "NaN is no value of JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"attr": ' + "1" * 5_000 + "}", "not JSON"),
        ('{"\\ud800": "\\udfff"}', "is no text"),
        ('{"attr": "' + "x" * 1_100_000 + '"}', "it is no configuration"),
    ],
)
def test_a_text_that_is_no_configuration_is_told(project: Project, text: str, told: str) -> None:
    assert told in refusals(project, text)[0]


def test_files_that_are_not_there_are_told(project: Project) -> None:
    missing = {name: project.folder / f"{name}.file" for name in ("config", "defaults", "accounts")}
    request = Request(project.folder, "sample", missing["config"], missing["defaults"], missing["accounts"])
    with pytest.raises(FileError) as raised:
        import_configuration(request)
    assert [Path(problem.file).name for problem in raised.value.problems] == [f"{name}.file" for name in missing]
    assert {problem.message for problem in raised.value.problems} == {
        "cannot be read: No such file or directory; correct the path"
    }
