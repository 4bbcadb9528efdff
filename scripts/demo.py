# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make demo``: the main job from beginning to end, without a cloud account.

Deploys the template into a local cloud, sends calls to the endpoint as Live Call Analytics does,
prints the transcripts with their word error rate and latency, deletes the stack and counts what is
left. Exits with 1 if the word error rate is above the limit or if anything is left.
"""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.accuracy import WordErrors, channel_errors, total
from benchmarks.lca_client.client import LcaClient, UtteranceResult
from benchmarks.lca_client.progress import call_progress
from benchmarks.lca_client.report import latency_lines, transcript_lines
from benchmarks.references import SampleCall
from live_whisper.transport.sagemaker import SageMakerEndpoint
from scripts import command, local_stack
from scripts.demo_calls import plan
from scripts.weights import NAMES


def main() -> int:
    """Run the demo; return 0, 1 if a result is worse than promised, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m scripts.demo", description=__doc__)
    shown = "use this model (default: a real one if weights and voices are available)"
    parser.add_argument("--model", choices=NAMES, help=shown)
    options = parser.parse_args()
    return command.run("demo", lambda: _demo(options.model))


def _demo(model: str | None) -> int:
    chosen = plan(model)
    with local_stack.local_cloud(model=chosen.model) as cloud:
        url, parameters = local_stack.publish(cloud), local_stack.model_parameters(chosen.model)
        stack = local_stack.deploy(cloud, url, parameters)
        print(f"Endpoint {stack.endpoint_name} is in service.")
        rate = _transcribe(chosen.calls, stack.endpoint_name)
        local_stack.delete(stack)
        left = stack.left()
    for kind, count in sorted(left.items()):
        print(f"  left: {count} {kind}")
    limit = chosen.max_word_error_rate
    too_many = rate > limit
    if too_many:
        print(f"word error rate {rate:.1%} is above {limit:.0%}", file=sys.stderr)
    print(f"resources left: {left.total()}")
    return 1 if too_many or left else 0


def _transcribe(calls: Sequence[SampleCall], endpoint_name: str) -> float:
    """Send the calls; print transcripts, accuracy and latency; return the word error rate."""
    endpoint = SageMakerEndpoint(endpoint_name)
    everything: list[UtteranceResult] = []
    errors: list[WordErrors] = []
    for call, reference in calls:
        with call_progress(call.seconds) as heard:
            client = LcaClient(endpoint, language=reference.language, heard=heard)
            results = list(client.transcribe(call))
        counted = total(channel_errors(reference.utterances, results, reference.language).values())
        print(f"\n{reference.name}: {counted.errors} errors in {counted.words} words")
        print("\n".join(transcript_lines(results)))
        everything += results
        errors.append(counted)
    rate = total(errors).rate
    print(f"\nword error rate over {len(calls)} calls: {rate:.1%}")
    print("\n".join(latency_lines(everything)))
    return rate


if __name__ == "__main__":
    sys.exit(main())
