# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What README and the other pages claim, against what is there."""

import re
from pathlib import Path

import pytest

from deploy_whisper.archive.hub import HUB_MODELS
from live_whisper.commands import console, jobs, live, transcribe, transcribe_api
from local_cloud.template_reader import read_template
from scripts.generate import contract_page, parameters_page
from whisper_endpoint.settings import EndpointSettings, variable

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
PARAMETERS = parameters_page.PAGE.read_text()
PAGES = sorted(
    page
    for page in ROOT.glob("**/*.md")
    if not page.relative_to(ROOT).parts[0].startswith((".", "build"))
)
# The changelog names what there was, too.
CURRENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
# Where a path that a page names may begin.
FOLDERS = ("", "inference/whisper_endpoint", "deploy_whisper")
# Bytes that CloudFormation accepts without a bucket; the AWS CLI refuses more.
TEMPLATE_BODY_LIMIT = 51_200


_BLOCK = re.compile(r"^```.*?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HEADLINE = re.compile(r"^<!-- headline: .*?\n(.*?)^<!-- end", re.DOTALL | re.MULTILINE)


def code(page: Path) -> str:
    """Return what a page shows as code, in blocks and within lines."""
    text = page.read_text()
    return "\n".join([*_BLOCK.findall(text), *re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))])


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text()), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found[words] = found.get(words, -1) + 1
    repeated = {f"{words}-{n + 1}" for words, last in found.items() for n in range(last)}
    return found.keys() | repeated


def test_tables_are_the_templates() -> None:
    template = read_template((ROOT / "template.yaml").read_text())
    assert parameters_page.with_tables(PARAMETERS, template) == PARAMETERS


def test_tables_of_the_contracts_page_are_the_contracts() -> None:
    page = contract_page.PAGE.read_text()
    assert contract_page.with_tables(page) == page
    assert contract_page.with_tables(page.replace("`beam_size`", "`beam`")) == page


def test_every_limit_of_the_contracts_page_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_page, "LIMITS", ("WHISPER_NOTHING",))
    with pytest.raises(LookupError, match="WHISPER_NOTHING"):
        contract_page.generate()


@pytest.mark.parametrize("path", contract_page.generate(), ids=lambda path: path.name)
def test_what_is_generated_from_the_contract_and_the_settings_is_up_to_date(path: Path) -> None:
    assert path.read_text() == contract_page.generate()[path]


def test_a_changed_template_would_be_noticed() -> None:
    template = read_template((ROOT / "template.yaml").read_text())
    template["Parameters"]["ImageUri"]["Default"] = "something"
    assert parameters_page.with_tables(PARAMETERS, template) != PARAMETERS


def test_every_model_size_of_the_template_has_its_row_and_its_revision() -> None:
    template = read_template((ROOT / "template.yaml").read_text())
    sizes = template["Parameters"]["WhisperModelSize"]["AllowedValues"]
    assert list(HUB_MODELS) and set(HUB_MODELS) == set(sizes)
    table = PARAMETERS[PARAMETERS.index("## Model sizes") :]
    assert set(sizes) <= set(re.findall(r"`([a-z0-9.-]+)`", table))


def test_revisions_are_commits() -> None:
    for repository, revision in HUB_MODELS.values():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository)
        assert re.fullmatch(r"[0-9a-f]{40}", revision)


def test_every_type_of_the_glossary_is_a_class_in_its_file() -> None:
    glossary = (ROOT / "docs" / "architecture.md").read_text().partition("## Glossary")[2]
    rows = re.findall(r"^\| (`.+?`) \| `(.+?)` \|", glossary, re.MULTILINE)
    assert len(rows) >= 18
    for types, file in rows:
        path = next(ROOT / one / file for one in FOLDERS if (ROOT / one / file).exists())
        declared = set(re.findall(r"^class (\w+)", path.read_text(), re.MULTILINE))
        assert set(re.findall(r"\w+", types)) <= declared, file


def test_all_decisions_are_listed() -> None:
    folder = ROOT / "docs" / "adr"
    lines = []
    for page in sorted(folder.glob("0*.md")):
        ((number, title),) = re.findall(r"^# (\d+)\. (.+)", page.read_text())
        lines.append(f"{number}. [{title}]({page.name})")
    assert lines == re.findall(r"^\d+\. .+$", (folder / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_a_front_page_is_short(page: str) -> None:
    assert len((ROOT / page).read_text().split()) <= 1000


def test_both_front_pages_show_the_same_figures() -> None:
    pages = (ROOT / "README.md", ROOT / "docs" / "performance.md")
    shown = [_HEADLINE.findall(page.read_text()) for page in pages]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 1


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {one for page in CURRENT for one in re.findall(r"\bmake ([a-z][a-z-]+)", code(page))}
    assert {"demo", "test", "generate", "console"} <= named
    assert named <= targets


def test_every_command_of_the_client_that_is_named_exists() -> None:
    commands = {command.NAME for command in (console, jobs, live, transcribe, transcribe_api)}
    shown = "\n".join(code(page) for page in CURRENT)
    assert set(re.findall(r"\bwhisper-sagemaker ([a-z-]+)", shown)) == commands


def test_every_setting_that_is_named_exists() -> None:
    text = "".join(page.read_text() for page in CURRENT)
    named = set(re.findall(r"\bWHISPER_[A-Z0-9_]+", text))
    settings = {variable(name) for name in EndpointSettings.model_fields}
    assert "WHISPER_DEADLINE_S" in named
    assert named <= settings


def test_a_template_too_large_for_a_request_is_deployed_by_a_bucket() -> None:
    commands = [
        command
        for page in CURRENT
        for command in re.findall(r"aws cloudformation deploy .+", code(page).replace("\\\n", ""))
    ]
    assert len(commands) >= 3
    for command in commands:
        (name,) = re.findall(r"--template-file (\S+)", command)
        path = ROOT / name.replace("build/packaged.yaml", "template.yaml")
        assert path.stat().st_size <= TEMPLATE_BODY_LIMIT or "--s3-bucket" in command, command


def test_every_module_that_is_run_exists() -> None:
    named = {one for page in CURRENT for one in re.findall(r"python -m ([\w.]+)", code(page))}
    assert "benchmarks.bench" in named
    for module in named - {"pytest"}:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page.read_text()):
        if not target.startswith("http"):
            path = page.parent / target if target else page
            assert path.exists(), target
            assert not anchor or anchor in anchors(path), f"{target}#{anchor}"
    for path in re.findall(r"`([\w./-]+\.py)`", page.read_text()):
        roots = [page.parent, *(ROOT / folder for folder in FOLDERS)]
        assert any((root / path).exists() for root in roots), path


def test_every_source_file_names_its_licence() -> None:
    folders = (
        "whisper_contract",
        "deploy_whisper",
        "inference",
        "layers",
        "live_whisper",
        "whisper_stream",
        "local_cloud",
        "benchmarks",
        "demo_model",
    )
    names = ["template.yaml", "publish.sh", "Makefile", ".ci/run", "pyproject.toml"]
    names += [".github/workflows/ci.yml"]
    files = [ROOT / name for name in names]
    files += [*ROOT.glob("requirements*.txt"), *ROOT.glob("inference/*.txt")]
    for folder in (*folders, "scripts", "tests"):
        files += (ROOT / folder).rglob("*.py")
    assert len(files) > 100
    for path in files:
        head = path.read_text().splitlines()[:3]
        assert "# SPDX-License-Identifier: Apache-2.0" in head, path


def test_packages_that_two_parts_pin_are_pinned_alike() -> None:
    pins: dict[str, set[str]] = {}
    for name in (
        "requirements-dev.txt",
        "inference/requirements.txt",
        "layers/dependencies/requirements.txt",
    ):
        for line in (ROOT / name).read_text().splitlines():
            found = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[a-z]+\])?==(\S+)", line)
            if found:
                pins.setdefault(found[1].lower(), set()).add(found[2])
    assert {"boto3", "ctranslate2", "ray"} <= set(pins)
    assert [name for name, versions in pins.items() if len(versions) > 1] == []
