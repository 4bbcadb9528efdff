# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make train-demo-model``: synthesise speech, train, choose alignment heads, convert.

Needs the Debian packages espeak-ng and flite, PyTorch and ttspico, 6 GB of memory and about 90
minutes on two cores. If it is interrupted, the same command continues where it stopped.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.references import DEMO_MODEL
from demo_model.tts.sentences import LANGUAGES, draw_reserved, vocabulary
from demo_model.tts.synthesis import speak
from demo_model.tts.voices import draw_voice
from scripts import command
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError
from scripts.publish.progress import step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo_model.network import Whisper
    from demo_model.tts.synthesis import Spoken

WORK = ROOT / "build" / "demo-model"
CLIPS = 16_000
_SENTENCES_FOR_HEADS = 120


def main(argv: Sequence[str] | None = None) -> int:
    """Train; return 0, or 1 with a sentence, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m demo_model.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=DEMO_MODEL, help="model folder to write")
    parser.add_argument(
        "--seed", type=int, default=1, help="random seed for clips, windows and weights"
    )
    parser.add_argument(
        "--start", type=Path, help="model folder with initial weights (default: random)"
    )
    parser.add_argument(
        "--clips", type=int, default=CLIPS, help="number of sentences to synthesise"
    )
    parser.add_argument("--pieces", type=int, default=2_150, help="steps on short pieces")
    parser.add_argument("--windows", type=int, default=1_900, help="steps on whole windows")
    parser.add_argument(
        "--rate", type=float, default=1e-3, help="highest learning rate; 6e-4 after --start"
    )
    parser.add_argument(
        "--keep", type=float, default=0.0, help="share of --start's weights to keep, 0 to 1"
    )
    arguments = parser.parse_args(argv)
    return command.run(
        "train-demo-model",
        lambda: _train(arguments),
        stopped="run the same command again to resume",
    )


def _train(arguments: argparse.Namespace) -> None:
    try:
        import torch  # noqa: F401, PLC0415 - reported in a sentence if missing
    except ImportError as missing:
        raise CommandError(
            "PyTorch is not installed; run `make train-demo-model`, which installs it."
        ) from missing
    if not 0 <= arguments.keep <= 1:
        raise CommandError(f"--keep is {arguments.keep:g}; give a share from 0 to 1.")
    if arguments.keep and arguments.start is None:
        raise CommandError("--keep is a share of the weights of --start; give that too.")
    from demo_model import alignment, convert, corpus, training  # noqa: PLC0415
    from demo_model.batches import BatchMaker  # noqa: PLC0415
    from demo_model.vocabulary import Vocabulary  # noqa: PLC0415
    from demo_model.warm_start import start_from  # noqa: PLC0415

    stem = f"{arguments.seed}-{arguments.clips}"
    with step("speaking training sentences") as tell:
        clips = corpus.build_corpus(
            WORK / f"corpus-{stem}.npz", arguments.clips, arguments.seed, tell
        )
    tokens = Vocabulary.train(clip.text for clip in clips)
    known = sorted({word for language in LANGUAGES for word in vocabulary(language)})
    classes = {word: number for number, word in enumerate(known, 1)}
    maker = BatchMaker(clips, tokens, classes, arguments.seed)

    def prepare(network: Whisper) -> None:
        if arguments.start is not None:
            start_from(network, tokens, arguments.start)

    schedule = training.Schedule(
        pieces=arguments.pieces, windows=arguments.windows, rate=arguments.rate
    )
    with step("training") as tell:
        network = training.train(
            maker,
            training.ClassCounts(len(tokens), len(classes) + 1),
            schedule,
            WORK / f"checkpoint-{stem}-{schedule.pieces}-{schedule.windows}.pt",
            tell,
            prepare,
        )
    if arguments.keep:
        earlier = copy.deepcopy(network)
        prepare(earlier)
        network = training.mean_with(network, earlier, arguments.keep)
    with step("measuring alignment heads"):
        measures = alignment.measure_heads(network, tokens, _spoken(arguments.seed))
    for measure in measures:
        print(
            f"layer {measure.layer} head {measure.head}: forward {measure.forward:.1%}, "
            f"word starts {measure.median_s:.3f} s"
        )
    convert.convert(network, tokens, alignment.best_heads(measures), arguments.out)
    print(f"Wrote {arguments.out}; measure it with make eval-model SEED=1.")


def _spoken(seed: int) -> list[tuple[str, Spoken]]:
    """Synthesise unseen sentences, in voices that report word times."""
    chance = random.Random(f"heads {seed}")  # noqa: S311 - a draw of words
    pairs: list[tuple[str, Spoken]] = []
    while len(pairs) < _SENTENCES_FOR_HEADS:
        language = LANGUAGES[len(pairs) % len(LANGUAGES)]
        said = speak(draw_voice(language, chance), draw_reserved(language, chance))
        if said.starts is not None:
            pairs.append((language, said))
    return pairs


if __name__ == "__main__":
    sys.exit(main())
