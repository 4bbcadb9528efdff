# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Build what the template refers to: the function, its layer, and the endpoint's program.

``python -m scripts.publish.build`` writes below ``build/``, and nowhere else:

- ``function.zip``: the deployment function;
- ``dependencies.zip``: its layer: ``whisper_sagemaker``, ``whisper_contract``, other packages;
- ``endpoint.zip``: a layer with the model archive's files except the weights, wheels included;
- ``recordings.zip``: the functions for recordings, and ``recordings/``, their state machines;
- ``template.yaml``, ``recordings.yaml``: the templates with these paths relative to themselves.

With ``--bucket`` and ``--region`` the AWS CLI uploads them and writes ``packaged.yaml``, which can
be deployed as it is. Needs only the standard library of Python 3.8 and pip 20.3, because it runs on
the machine that publishes the stack.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.publish import wheels, zips
from scripts.publish.errors import BuildError
from scripts.publish.progress import say

ROOT = Path(__file__).resolve().parents[2]

UNZIPPED_LIMIT = 262_144_000
"""Lambda's quota for a function with its layers, unzipped: 250 MB, in bytes."""

SOURCES = (
    "template.yaml",
    "recordings.yaml",
    "recordings",
    "deploy_whisper",
    "layers/dependencies/requirements.txt",
    "layers/dependencies/requirements.lock",
    "layers/dependencies/whisper_sagemaker",
    "whisper_contract",
    "whisper_stream",
    "inference/config.yaml",
    "inference/deployment.py",
    "inference/requirements.txt",
    "inference/requirements.lock",
    "inference/image-packages.txt",
    "inference/whisper_endpoint",
)
_ARTIFACTS = {
    "template.yaml": ("function.zip", "dependencies.zip", "endpoint.zip"),
    "recordings.yaml": ("recordings.zip",),
}
_STATE_MACHINES = ("state_machine.asl.json", "batch.asl.json", "webhook.asl.json")


def build(root: Path = ROOT) -> Path:
    """Build the artifacts.

    Parameters
    ----------
    root : Path
        A checkout of the project.

    Returns
    -------
    Path
        The template that refers to them, ``build/template.yaml``.

    Raises
    ------
    BuildError
    """
    for source in SOURCES:
        if not (root / source).exists():
            raise BuildError(f"Build from a whole checkout: {source} is missing.")
    out = root / "build"
    bundled = wheels.collect(
        root / "inference/requirements.txt",
        out / "wheels/endpoint",
        without=root / "inference/image-packages.txt",
    )
    installed = wheels.collect(
        root / "layers/dependencies/requirements.txt", out / "wheels/dependencies"
    )
    say("zipping")
    sizes = {
        "function.zip": zips.write(out / "function.zip", _function(root)),
        "dependencies.zip": zips.write(out / "dependencies.zip", _dependencies(root, installed)),
        "endpoint.zip": zips.write(out / "endpoint.zip", _endpoint(root, bundled)),
    }
    _refuse_oversize(sizes)
    zips.write(out / "recordings.zip", _recordings(root))
    (out / "recordings").mkdir(exist_ok=True)
    for name in _STATE_MACHINES:
        shutil.copyfile(root / "recordings" / name, out / "recordings" / name)
    _template(root, out, "recordings.yaml")
    return _template(root, out, "template.yaml")


def package(template: Path, bucket: str, prefix: str, region: str) -> Path:
    """Upload the artifacts with the AWS CLI; write a template that refers to them.

    Parameters
    ----------
    template : Path
        Result of `build`.
    bucket : str
        An existing bucket in `region`.
    prefix : str
        Prefix of the keys, without a trailing slash; may be empty.
    region : str

    Returns
    -------
    Path
        ``packaged.yaml`` next to the template.

    Raises
    ------
    BuildError
        If the AWS CLI is missing or fails (it prints why), or the bucket is in another Region,
        which CloudFormation cannot read code from.
    """
    _require_bucket_in(region, bucket)
    say(f"uploading to s3://{bucket}/{prefix}")
    packaged = template.with_name("packaged.yaml")
    command = ["aws", "cloudformation", "package", "--region", region]
    command += ["--template-file", str(template), "--output-template-file", str(packaged)]
    command += ["--s3-bucket", bucket] + (["--s3-prefix", prefix] if prefix else [])
    try:
        # The CLI writes progress there even without a terminal.
        shown = None if sys.stderr.isatty() else subprocess.PIPE
        result = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=shown, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BuildError("Install the AWS CLI: there is no command called aws.") from error
    if result.returncode:
        said = (result.stderr or "the upload failed").strip().splitlines()[-1]
        raise BuildError(f"Check the bucket {bucket} and the credentials: {said}")
    return packaged


def _require_bucket_in(region: str, bucket: str) -> None:
    command = ["aws", "s3api", "get-bucket-location", "--region", region, "--bucket", bucket]
    command += ["--query", "LocationConstraint", "--output", "text"]
    try:
        result = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
    except FileNotFoundError:
        return  # the upload reports it
    place = result.stdout.strip()
    found = {"None": "us-east-1", "EU": "eu-west-1"}.get(place, place)
    # If the bucket's Region is unknown, the upload reports the problem.
    if result.returncode == 0 and found and found != region:
        raise BuildError(
            f"Give a bucket in {region} or the Region {found}: {bucket} is in {found}, and "
            "CloudFormation reads code from its own Region alone."
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m scripts.publish.build", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--bucket", help="upload the artifacts to this bucket")
    parser.add_argument("--prefix", default="", help="key prefix of the uploaded objects")
    parser.add_argument("--region", help="Region of the bucket")
    options = parser.parse_args(arguments)
    if bool(options.bucket) != bool(options.region):
        parser.error("--bucket and --region belong together: set both or neither")
    try:
        template = build()
        if options.bucket:
            template = package(template, options.bucket, options.prefix, options.region)
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    print(template.relative_to(ROOT))
    return 0


def _function(root: Path) -> list[zips.Entry]:
    return list(zips.of_tree("deploy_whisper", root / "deploy_whisper"))


def _recordings(root: Path) -> list[zips.Entry]:
    files = zips.of_tree("recordings", root / "recordings")
    return [entry for entry in files if entry.name.endswith(".py")]


def _dependencies(root: Path, installed: list[Path]) -> list[zips.Entry]:
    own = root / "layers/dependencies/whisper_sagemaker"
    return [
        *(entry for wheel in installed for entry in zips.of_wheel("python", wheel)),
        *zips.of_tree("python/whisper_sagemaker", own),
        *zips.of_tree("python/whisper_contract", root / "whisper_contract"),
    ]


def _endpoint(root: Path, bundled: list[Path]) -> list[zips.Entry]:
    inference = root / "inference"
    kept = wheels.pins(inference / "requirements.txt", inference / "image-packages.txt")
    # Relative to this file; pip must not use a network, which the endpoint may lack.
    requirements = "\n".join(["--no-index", "--find-links wheels", *kept, ""])
    return [
        zips.of_file("endpoint/config.yaml", inference / "config.yaml"),
        zips.of_file("endpoint/deployment.py", inference / "deployment.py"),
        *zips.of_tree("endpoint/whisper_endpoint", inference / "whisper_endpoint"),
        *zips.of_tree("endpoint/whisper_contract", root / "whisper_contract"),
        *zips.of_tree("endpoint/whisper_stream", root / "whisper_stream"),
        zips.of_text("endpoint/code/requirements.txt", requirements),
        *(zips.of_file(f"endpoint/code/wheels/{wheel.name}", wheel) for wheel in bundled),
    ]


def _refuse_oversize(sizes: dict[str, int]) -> None:
    total = sum(sizes.values())
    if total > UNZIPPED_LIMIT:
        each = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items())
        raise BuildError(
            f"Remove packages from the requirements or list them in image-packages.txt of an image "
            f"that has them: {each} unzipped are over Lambda's {UNZIPPED_LIMIT / 1e6:.0f} MB."
        )


def _template(root: Path, out: Path, name: str) -> Path:
    text = (root / name).read_text(encoding="utf-8")
    for artifact in _ARTIFACTS[name]:
        if f"build/{artifact}" not in text:
            raise BuildError(f"Name build/{artifact} in {name}.")
        text = text.replace(f"build/{artifact}", artifact)
    template = out / name
    template.write_text(text, encoding="utf-8")
    return template


if __name__ == "__main__":
    sys.exit(main())
