# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from deploy_whisper.archive.other_formats import remedy
from deploy_whisper.archive.weights import S3Weights
from whisper_sagemaker.errors import WeightsNotFound

WHERE = "s3://my-models/whisper/"
NONE = "ModelS3Uri is no CTranslate2 model"
CONVERTED = (
    f"{NONE}: convert it with ct2-transformers-converter --model FOLDER --output_dir OUT "
    "--copy_files tokenizer.json preprocessor_config.json. It has "
)
OTHERS = "take the same model in transformers' format and convert that"


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["config.json", "model.safetensors"], f"{CONVERTED}model.safetensors."),
        (["pytorch_model.bin"], f"{CONVERTED}pytorch_model.bin."),
        (["model-00001-of-00002.safetensors"], f"{CONVERTED}model-00001-of-00002.safetensors."),
        (["model.safetensors.index.json"], f"{CONVERTED}model.safetensors.index.json."),
        (["tf_model.h5"], f"{CONVERTED}tf_model.h5."),
        (["large-v3.pt"], f"{NONE}: {OTHERS}. It has large-v3.pt."),
        (
            ["ggml-a.bin"],
            f"{NONE}: take the model in CTranslate2's format. It has ggml-a.bin.",
        ),
        (["model.tar.gz"], f"{NONE}: unpack it there. It has model.tar.gz."),
        (["v2/model.bin"], f"Set ModelS3Uri to {WHERE}v2/, where the model is."),
        ([], f"Check ModelS3Uri: there is nothing below {WHERE}."),
        (["model.bin", "v2/model.bin", "notes.txt"], ""),
    ],
)
def test_what_lies_there_is_recognised(paths, said):
    assert remedy(paths, WHERE) == said
    assert len(remedy(paths, WHERE)) <= 256


def test_a_folder_of_transformers_is_told_how_to_be_converted(s3):
    names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]
    for name in (*names, "vocab.json", "preprocessor_config.json"):
        s3.put_object(Bucket="bucket", Key=f"hf/{name}", Body=b"{}")
    with pytest.raises(WeightsNotFound) as refusal:
        S3Weights(s3, "s3://bucket/hf/").files()
    assert str(refusal.value) == f"{CONVERTED}model.safetensors."
