# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``whisper_contract/transcription.proto`` becomes the Python module next to it, and its types.

protoc compiles; the module is ours. protoc's own Python output refuses to be imported by a
protobuf older than the compiler, or two major versions newer, and the endpoint's image and the
Lambda layer bring what they bring. The description that it holds is the same in all of them.

``python -m scripts.generate.contract_module`` writes; with ``--check`` it only compares.
"""

import argparse
import base64
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).resolve().parents[2]
PROTO = Path("whisper_contract/transcription.proto")
MODULE = Path("whisper_contract/transcription_pb2.py")
STUB = Path("whisper_contract/transcription_pb2.pyi")

_HEADER = """\
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""
_LINE = 92


def generate(root: Path = ROOT) -> dict[Path, str]:
    """Compile the .proto file; return the generated files by path in the checkout."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={root}"]
        command += [f"--descriptor_set_out={out / 'set'}", f"--pyi_out={out}", str(root / PROTO)]
        subprocess.run(command, check=True)
        described = FileDescriptorSet.FromString((out / "set").read_bytes())
        stub = (out / STUB).read_text(encoding="utf-8")
    return {MODULE: _module(described), STUB: f"{_HEADER}{stub}"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 if --check finds a stale file."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.generate.contract_module", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    options = parser.parse_args(arguments)
    stale = [path for path, text in generate().items() if _read(ROOT / path) != text]
    if options.check and stale:
        names = " and ".join(str(path) for path in stale)
        print(f"{names} are out of date with {PROTO}: run make generate.", file=sys.stderr)
        return 1
    if stale:
        for path, text in generate().items():
            (ROOT / path).write_text(text, encoding="utf-8")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _module(described: FileDescriptorSet) -> str:
    (file,) = described.file
    content = base64.b64encode(file.SerializeToString(deterministic=True)).decode()
    lines = "\n".join(f'    "{part}"' for part in textwrap.wrap(content, _LINE))
    messages = "\n".join(
        f'{message.name} = GetMessageClass(DESCRIPTOR.message_types_by_name["{message.name}"])'
        for message in file.message_type
    )
    enums = "\n".join(
        f'{enum.name} = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["{enum.name}"])'
        for enum in file.enum_type
    )
    values = "\n".join(
        f"{value.name} = {value.number}" for enum in file.enum_type for value in enum.value
    )
    return f'''{_HEADER}"""Messages of transcription.proto.

Made by ``make generate``: change that file, not this one.
"""

from base64 import b64decode

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message_factory import GetMessageClass

_DESCRIPTION = (
{lines}
)

DESCRIPTOR = DescriptorPool().AddSerializedFile(b64decode(_DESCRIPTION))

{messages}

{enums}
{values}
'''


if __name__ == "__main__":
    sys.exit(main())
