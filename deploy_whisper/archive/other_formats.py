# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Recognises models in other formats by their file names, to suggest a remedy."""

import re
from collections.abc import Collection

_CONVERT = (
    "convert it with ct2-transformers-converter --model FOLDER --output_dir OUT --copy_files "
    "tokenizer.json preprocessor_config.json"
)
_REMEDIES = (
    # Single files or numbered parts; TensorFlow's and JAX's are converted via PyTorch.
    (r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?", _CONVERT),
    (r"pytorch_model(-\d+-of-\d+)?\.bin|tf_model\.h5|flax_model\.msgpack", _CONVERT),
    (r"[^/]+\.pt", "take the same model in transformers' format and convert that"),
    (r"ggml-[^/]+\.bin|[^/]+\.(ggml|gguf)", "take the model in CTranslate2's format"),
    (r"[^/]+\.(tar|tar\.gz|tgz|zip)", "unpack it there"),
)


def remedy(paths: Collection[str], where: str) -> str:
    """Return what to do if a prefix does not hold a complete faster-whisper model.

    Parameters
    ----------
    paths : collection of str
        Paths of all files there, relative to `where`.
    where : str
        ``s3://bucket/prefix/``.

    Returns
    -------
    str
        A sentence; empty if nothing is recognised.
    """
    if not paths:
        return f"Check ModelS3Uri: there is nothing below {where[:120]}."
    deeper = min((path for path in paths if path.endswith("/model.bin")), default="")
    if deeper and "model.bin" not in paths:
        folder = where + deeper.removesuffix("model.bin")
        return f"Set ModelS3Uri to {folder[:150]}, where the model is."
    for pattern, what_to_do in _REMEDIES:
        for path in sorted(paths):
            if re.fullmatch(pattern, path):
                return f"ModelS3Uri is no CTranslate2 model: {what_to_do}. It has {path[:40]}."
    return ""
