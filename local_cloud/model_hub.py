# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A local model hub, for functions that download models, where the real one is unreachable.

It serves the two requests that such a function makes: the file tree of a revision, with sizes and
digests, and a file, whole or from an offset.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response


class ModelHub:
    """Serves models from local folders.

    `models` maps ``owner/name@revision`` to folders.
    """

    def __init__(self, models: Mapping[str, Path]) -> None:
        self._models = {name: _Model(folder) for name, folder in models.items()}

    def respond(self, path: str, request: Request) -> Response:
        """Answer a request for a path such as ``api/models/owner/name/tree/revision``."""
        parts = path.removeprefix("api/models/").split("/")
        if len(parts) < 4:
            return Response(status=404)
        owner, name, kind, revision, *rest = parts
        model = self._models.get(f"{owner}/{name}@{revision}")
        if model and kind == "tree" and not rest:
            return Response(json.dumps(model.tree), content_type="application/json")
        wanted = "/".join(rest)
        if model and kind == "resolve" and wanted in (entry["path"] for entry in model.tree):
            return send_file(model.folder / wanted, request.environ)
        return Response(status=404)


class _Model:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def tree(self) -> list[dict[str, object]]:
        """The files, each with its SHA-256, as the hub lists large files."""
        return [_entry(path) for path in sorted(self.folder.iterdir()) if path.is_file()]


def _entry(path: Path) -> dict[str, object]:
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"type": "file", "path": path.name, "size": size, "lfs": {"oid": digest, "size": size}}
