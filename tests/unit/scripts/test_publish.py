# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from scripts.publish import build, wheels, zips
from scripts.publish.errors import BuildError
from tests.unit.scripts.conftest import lock, make_wheel, write

ROOT = Path(__file__).parents[3]
PUBLISH = sorted(path.stem for path in (ROOT / "scripts/publish").glob("*.py"))
TARGET = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
    "extra": "",
}


def contents(root, name):
    with zipfile.ZipFile(root / "build" / name) as archive:
        return {item: archive.read(item).decode("latin-1") for item in archive.namelist()}


def artifacts(root):
    return {path.name: path.read_bytes() for path in (root / "build").glob("*.zip")}


def test_what_is_in_the_artifacts(root):
    template = build.build(root)

    assert list(contents(root, "function.zip")) == ["deploy_whisper/handler.py"]
    assert sorted(contents(root, "dependencies.zip")) == [
        "python/helper-1.0.dist-info/METADATA",
        "python/helper-1.0.dist-info/RECORD",
        "python/helper-1.0.dist-info/WHEEL",
        "python/helper/__init__.py",
        "python/whisper_contract/schemas/request.schema.json",
        "python/whisper_sagemaker/__init__.py",
    ]
    assert list(contents(root, "recordings.zip")) == ["recordings/handlers.py"]
    assert (root / "build/recordings.yaml").read_text() == "a: recordings.zip\nb: recordings.zip\n"
    assert (root / "build/recordings/batch.asl.json").read_text() == "{}"
    endpoint = contents(root, "endpoint.zip")
    assert sorted(endpoint) == [
        "endpoint/code/requirements.txt",
        "endpoint/code/wheels/engine-1.0-py3-none-any.whl",
        "endpoint/config.yaml",
        "endpoint/deployment.py",
        "endpoint/whisper_contract/schemas/request.schema.json",
        "endpoint/whisper_endpoint/__init__.py",
        "endpoint/whisper_stream/__init__.py",
    ]
    # What the image has is neither bundled nor asked for.
    assert endpoint["endpoint/code/requirements.txt"] == (
        "--no-index\n--find-links wheels\nengine==1.0\n"
    )
    assert template == root / "build/template.yaml"
    assert template.read_text() == "a: function.zip\nb: dependencies.zip\nc: endpoint.zip\n"


def test_pip_finds_the_wheels_beside_the_requirements(root, tmp_path, index, monkeypatch):
    build.build(root)
    with zipfile.ZipFile(root / "build/endpoint.zip") as archive:
        archive.extractall(tmp_path / "model")
    monkeypatch.delenv("PIP_FIND_LINKS")
    requirements = tmp_path / "model/endpoint/code/requirements.txt"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet"]
    command += ["--target", str(tmp_path / "site"), "-r", str(requirements)]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / "site/engine/__init__.py").exists()


def test_the_same_content_is_the_same_bytes(root):
    build.build(root)
    first = artifacts(root)
    shutil.rmtree(root / "build")
    for path in root.rglob("*"):
        os.utime(path, (1, 1))
    (root / "deploy_whisper/handler.py").chmod(0o600)
    build.build(root)
    assert artifacts(root) == first


def test_a_change_changes_only_what_it_is_in(root):
    build.build(root)
    first = artifacts(root)
    (root / "deploy_whisper/handler.py").write_text("x = 2\n")
    build.build(root)
    changed = {name for name, content in artifacts(root).items() if content != first[name]}
    assert changed == {"function.zip"}
    assert contents(root, "function.zip") == {"deploy_whisper/handler.py": "x = 2\n"}


def test_a_second_build_fetches_nothing_and_other_pins_fetch_again(root, index):
    build.build(root)
    (index / "helper-1.0-py3-none-any.whl").unlink()
    build.build(root)

    make_wheel(index, "helper", "2.0")
    write(
        root,
        {
            "layers/dependencies/requirements.txt": "helper==2.0\n",
            "layers/dependencies/requirements.lock": lock(index, "helper==2.0"),
        },
    )
    build.build(root)
    assert "python/helper-2.0.dist-info/METADATA" in contents(root, "dependencies.zip")
    assert len(list((root / "build/wheels/dependencies").iterdir())) == 1


def test_a_fetch_that_failed_is_no_cache(root, index):
    (index / "helper-1.0-py3-none-any.whl").rename(index / "away")
    with pytest.raises(BuildError, match=r"No matching distribution found for helper==1\.0"):
        build.build(root)
    (index / "away").rename(index / "helper-1.0-py3-none-any.whl")
    build.build(root)


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("inference/requirements.txt", "engine>=1.0\n", r"Pin it as name==version in .*'engine>="),
        ("inference/requirements.txt", "--pre\n", "Pin it as name==version"),
        (
            "template.yaml",
            "a: build/function.zip\n",
            "Name build/dependencies.zip in template.yaml",
        ),
    ],
)
def test_wrong_inputs(root, path, text, reason):
    (root / path).write_text(text)
    with pytest.raises(BuildError, match=reason):
        build.build(root)


def test_what_the_image_lacks_is_bundled(root):
    (root / "inference/image-packages.txt").write_text("")
    build.build(root)
    names = contents(root, "endpoint.zip")
    assert "endpoint/code/wheels/numbers_lib-1.0-py3-none-any.whl" in names


def test_a_package_that_nobody_brings_is_named(root):
    (root / "inference/requirements.txt").write_text("engine==1.0\n")
    (root / "inference/image-packages.txt").write_text("")
    with pytest.raises(BuildError, match=r"Pin numbers-lib in requirements\.txt: engine needs"):
        build.build(root)


@pytest.mark.parametrize("source", build.SOURCES)
def test_a_missing_source_is_named(root, source):
    path = root / source
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(BuildError, match=f"{source} is missing"):
        build.build(root)


def test_layers_over_lambdas_limit_are_refused(root, monkeypatch):
    build.build(root)
    total = sum(
        item.file_size
        for name in ("function.zip", "dependencies.zip", "endpoint.zip")
        for item in zipfile.ZipFile(root / "build" / name).infolist()
    )
    monkeypatch.setattr(build, "UNZIPPED_LIMIT", total)
    build.build(root)
    monkeypatch.setattr(build, "UNZIPPED_LIMIT", total - 1)
    with pytest.raises(BuildError, match="Remove packages from the requirements"):
        build.build(root)


def test_wheels_are_installed_as_pip_does(tmp_path):
    make_wheel(
        tmp_path,
        "tool",
        files={
            "tool-1.0.data/purelib/extra/__init__.py": "",
            "tool-1.0.data/scripts/tool": "#!python\n",
        },
    )
    entries = list(zips.of_wheel("python", tmp_path / "tool-1.0-py3-none-any.whl"))
    names = {entry.name for entry in entries}
    assert {"python/tool/__init__.py", "python/extra/__init__.py"} < names
    assert not any("data" in name for name in names)

    make_wheel(tmp_path, "odd", files={"odd-1.0.data/headers/odd.h": ""})
    with pytest.raises(BuildError, match=r"installs odd-1\.0\.data/headers/odd\.h next to"):
        list(zips.of_wheel("python", tmp_path / "odd-1.0-py3-none-any.whl"))


def test_two_files_of_one_name_are_refused(tmp_path):
    entries = [zips.of_text("a", "1"), zips.of_text("a", "2")]
    with pytest.raises(BuildError, match="two files called a"):
        zips.write(tmp_path / "x.zip", entries)


def test_everybody_may_read_what_is_in_a_zip_file(tmp_path):
    zips.write(tmp_path / "x.zip", [zips.of_text("a", "1")])
    (item,) = zipfile.ZipFile(tmp_path / "x.zip").infolist()
    assert item.external_attr >> 16 == 0o100644
    assert item.date_time == (1980, 1, 1, 0, 0, 0)


def test_everything_that_publishes_runs_on_python_3_8():
    """Syntax and library alike, as vermin knows them; annotations are never evaluated there."""
    vermin = str(Path(sys.executable).with_name("vermin"))
    command = [vermin, "--target=3.8-", "--violations", "--no-tips", str(ROOT / "scripts/publish")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert f"Analyzing {len(PUBLISH)} files" in found.stdout


@pytest.mark.parametrize("name", PUBLISH)
def test_the_build_is_python_3_8_and_standard_library_only(name):
    tree = ast.parse((ROOT / f"scripts/publish/{name}.py").read_text(), feature_version=(3, 8))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= sys.stdlib_module_names | {"scripts"}


def test_bucket_and_region_belong_together(capsys):
    with pytest.raises(SystemExit) as exit_status:
        build.main(["--bucket", "b"])
    assert exit_status.value.code == 2
    assert "belong together" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "region", "found"),
    [
        ("None", "eu-west-1", "us-east-1"),
        ("EU", "eu-west-1", ""),
        ("eu-central-1", "us-east-1", ""),
    ],
)
def test_a_bucket_of_another_region_is_noticed(tmp_path, monkeypatch, place, region, found):
    found = found or {"EU": "eu-west-1"}.get(place, place)
    cli = tmp_path / "aws"
    cli.write_text(f'#!/bin/sh\n[ "$1" = s3api ] && echo {place} || exit 0\n')
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    if found == region:
        build.package(tmp_path / "template.yaml", "mine", "", region)
        return
    with pytest.raises(BuildError) as refusal:
        build.package(tmp_path / "template.yaml", "mine", "", region)
    assert str(refusal.value) == (
        f"Give a bucket in {region} or the Region {found}: mine is in {found}, and CloudFormation "
        "reads code from its own Region alone."
    )


@pytest.fixture(scope="module")
def built():
    """The real artifacts, in the checkout's own build folder."""
    build.build(ROOT)
    return ROOT / "build"


@pytest.fixture(scope="module")
def provided():
    return set(wheels.names(ROOT / "inference/image-packages.txt"))


@pytest.mark.slow
def test_artifacts_fit_and_hold_what_lambda_needs(built):
    names = zipfile.ZipFile(built / "dependencies.zip").namelist()
    for package in ("boto3", "crhelper", "jsonschema", "whisper_sagemaker", "whisper_contract"):
        assert f"python/{package}/__init__.py" in names
    assert "deploy_whisper/handler.py" in zipfile.ZipFile(built / "function.zip").namelist()
    for path in built.rglob("wheels/**/*.whl"):
        tags = {str(tag) for tag in parse_wheel_filename(path.name)[3]}
        assert any(tag.endswith(("x86_64", "none-any")) for tag in tags), path.name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["endpoint", "dependencies"])
def test_nothing_is_missing_on_the_target(built, provided, kind):
    """Every dependency is there, conditions evaluated for Python 3.13 on Linux."""
    paths = list((built / "wheels" / kind).glob("*/*.whl"))
    parsed = [parse_wheel_filename(path.name) for path in paths]
    bundled = {str(name): version for name, version, *_ in parsed}
    assert len(bundled) >= 10
    image = provided if kind == "endpoint" else set()
    for path in paths:
        for text in wheels.needs(path):
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate(TARGET):
                continue
            name = wheels.normalized(requirement.name)
            assert name in image or bundled[name] in requirement.specifier, f"{path.name}: {text}"


@pytest.mark.slow
def test_the_archives_wheels_install_without_an_index(built, provided, tmp_path):
    with zipfile.ZipFile(built / "endpoint.zip") as archive:
        archive.extractall(tmp_path)
    code = tmp_path / "endpoint/code"
    target = ["--python-version", wheels.PYTHON, "--implementation", "cp", "--abi", "cp313"]
    for platform in wheels.PLATFORMS:
        target += ["--platform", platform]
    target += ["--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip"]

    # The image's part, from wherever pip gets it; what the image lacks must come from the archive.
    image = tmp_path / "image"
    pins = (code / "requirements.txt").read_text().splitlines()[2:]
    subprocess.run([*pip, "download", *target, "--dest", str(image), *pins], check=True)
    for path in image.glob("*.whl"):
        if parse_wheel_filename(path.name)[0] not in provided:
            path.unlink()

    # pip evaluates conditions for the Python that runs it: one older than the target wants more.
    offline = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    offline.pop("PIP_FIND_LINKS", None)
    site = tmp_path / "site"
    install = [*pip, "install", *target, "--target", str(site), "--find-links", str(image)]
    install.append("--no-compile")  # nothing is run
    command = [*install, "-r", str(code / "requirements.txt")]
    subprocess.run(command, check=True, env=offline, cwd=tmp_path)
    for package in ("ctranslate2", "faster_whisper", "tokenizers", "av", "onnxruntime"):
        assert (site / package / "__init__.py").exists()
    assert list(site.glob("ctranslate2/*cpython-313-x86_64-linux-gnu.so"))

    # Without a bundled wheel the same command fails, so that it is what installs them.
    next((code / "wheels").glob("ctranslate2-*.whl")).unlink()
    result = subprocess.run(command, env=offline, cwd=tmp_path, capture_output=True, check=False)
    assert result.returncode != 0


@pytest.mark.slow
def test_the_layer_imports_on_the_functions_python(built, tmp_path):
    python = shutil.which("python3.13")
    if not python or subprocess.run([python, "-c", ""], check=False).returncode:
        pytest.skip("needs python3.13 on the PATH")
    for name in ("dependencies.zip", "function.zip"):
        with zipfile.ZipFile(built / name) as archive:
            archive.extractall(tmp_path)
    environment = {
        "PYTHONPATH": f"{tmp_path}/python:{tmp_path}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": os.environ["PATH"],
    }
    program = (
        "import whisper_contract, deploy_whisper.handler as handler; "
        "print(callable(handler.handler))"
    )
    command = [python, "-s", "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("True\n", 0), result.stderr
