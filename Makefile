# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
.DEFAULT_GOAL := help
SHELL := /bin/bash -eo pipefail

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# With hashes, for every platform, and without a word of where the packages came from.
LOCKED := --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

# The environment's own tools first, so that publish.sh and the tests find its AWS CLI.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

PINS := inference/requirements layers/dependencies/requirements
IMAGE := inference/image/requirements inference/image/cpu inference/image/cuda
REQUIREMENTS := requirements-dev.txt $(PINS:=.txt)
SHELL_SCRIPTS := publish.sh scripts/verify_aws.sh scripts/image.sh .ci/run
CODE := whisper_contract deploy_whisper recordings inference layers/dependencies/whisper_sagemaker live_whisper whisper_stream \
  local_cloud scripts benchmarks demo_model tests conftest.py

.PHONY: help setup weights lock demo demo-recordings endpoint test lint format generate build package sample-calls train-demo-model eval-model eval bench fuzz mutants console load load-max chaos bench-deploy bench-speakers all clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.installed  ## Create the virtual environment (other targets do it when needed)

$(VENV)/.installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13")'
	@echo "Installing packages into $(VENV) (a few minutes the first time)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --progress-bar off --require-hashes --requirement $<
	@touch $@

weights: setup  ## Download real Whisper weights and print their folder: make weights MODEL=base
	@$(RUN) -m scripts.weights $(or $(MODEL),base)

lock: setup  ## Update the lock files after a change to the requirements
	@$(RUN) -m uv pip compile --quiet --upgrade $(LOCKED) --python-version 3.11 $(REQUIREMENTS) --output-file requirements-dev.lock
	@for pins in $(IMAGE); do $(RUN) -m uv pip compile --quiet --upgrade $(LOCKED) --python-version 3.13 $$pins.txt --output-file $$pins.lock; done
	@for pins in $(PINS); do $(RUN) -m uv pip compile --quiet --no-deps $(LOCKED) --python-version 3.13 $$pins.txt --output-file $$pins.lock; done

demo: setup  ## Deploy to a local cloud, transcribe calls, delete, count leftovers; MODEL=demo
	@$(RUN) -m scripts.demo $(if $(MODEL),--model $(MODEL))

demo-recordings: setup  ## Transcribe recordings from upload to subtitles in a local cloud; MODEL=tiny.en, MINUTES=60
	@$(RUN) -m scripts.demo_recordings $(if $(MODEL),--model $(MODEL)) $(if $(MINUTES),--minutes "$(MINUTES)")

endpoint: setup  ## Run a local endpoint until Ctrl-C; MODEL=base, tiny.en or demo; SPEAKERS=1 for diarization
	@$(RUN) -m scripts.endpoint $(if $(PORT),--port $(PORT)) $(if $(MODEL),--model $(MODEL)) $(if $(filter 1,$(SPEAKERS)),--speakers)

console: setup  ## Transcribe calls in the browser; MODEL=base SPEAKERS=1, or ENDPOINT=name REGION=… for one on SageMaker
	@$(RUN) -m scripts.console $(if $(PORT),--port $(PORT)) $(if $(MODEL),--model $(MODEL)) $(if $(filter 1,$(SPEAKERS)),--speakers) $(if $(ENDPOINT),--endpoint-name "$(ENDPOINT)") $(if $(REGION),--region "$(REGION)")

load: setup  ## Run concurrent live calls: CALLS=16 SECONDS=60 [MODEL=base | ENDPOINT=name REGION=…] [ARGS="--client lca"]
	@$(RUN) -m benchmarks.load $(if $(MODEL),--model $(MODEL)) $(if $(CALLS),--calls "$(CALLS)") $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(ENDPOINT),--endpoint-name "$(ENDPOINT)") $(if $(REGION),--region "$(REGION)") $(ARGS)

load-max: setup  ## Find the maximum number of live calls, with our client and LCA's (about 20 minutes)
	@$(RUN) -m benchmarks.load.maximum $(if $(SECONDS),--seconds "$(SECONDS)") $(ARGS)

eval: setup  ## Measure word errors on your own recordings: AUDIO=folder [ENDPOINT=name REGION=… | URL=… | MODEL=base] [LANGUAGE=en]
	@test -n "$(AUDIO)" || { echo "Give AUDIO, a folder with recordings: make eval AUDIO=calls" >&2; exit 2; }
	@$(RUN) -m benchmarks.eval "$(AUDIO)" $(if $(ENDPOINT),--endpoint-name "$(ENDPOINT)") $(if $(REGION),--region "$(REGION)") $(if $(URL),--url "$(URL)") $(if $(MODEL),--model "$(MODEL)") $(if $(LANGUAGE),--language "$(LANGUAGE)") $(ARGS)

# Compiled tests are kept whatever the environment says: each process imports all of them.
# A process that crashes is not replaced: the scheduler would wait for ever for the rest of its file.
test: setup  ## Run all tests, three files in parallel; ARGS="-k name" selects some
	@PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest --numprocesses 3 --max-worker-restart 0 --no-loadscope-reorder $(ARGS)

lint: setup  ## Check style, types, the template and the shell scripts
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy $(CODE)
	@$(RUN) -m scripts.generate.contract_module --check
	@$(VENV)/bin/cfn-lint
	@$(VENV)/bin/shellcheck $(SHELL_SCRIPTS)

format: setup  ## Format the code
	@$(RUN) -m ruff check --fix-only .
	@$(RUN) -m ruff format .

generate: setup  ## Regenerate the protobuf module and the generated parts of docs/
	@$(RUN) -m scripts.generate.contract_module
	@PYTHONPATH=inference:layers/dependencies $(RUN) -m scripts.generate.contract_page
	@$(RUN) -m scripts.generate.parameters_page
	@$(RUN) -m scripts.generate.openapi_page

build: setup  ## Build the artifacts that template.yaml refers to, below build/
	@$(RUN) -m scripts.publish.build

package: setup  ## Upload the artifacts: make package BUCKET=… REGION=… [PREFIX=…]; writes build/packaged.yaml
	@test -n "$(BUCKET)" -a -n "$(REGION)" || { echo "Give BUCKET and REGION: make package BUCKET=my-bucket REGION=eu-west-1" >&2; exit 2; }
	@$(RUN) -m scripts.publish.build --bucket "$(BUCKET)" --region "$(REGION)" $(if $(PREFIX),--prefix "$(PREFIX)")

sample-calls: setup  ## Synthesise samples/calls again (needs espeak-ng and flite)
	@$(RUN) -m demo_model.sample_calls.make

$(VENV)/.speech: $(VENV)/.installed demo_model/pyproject.toml
	@$(RUN) -m pip install --quiet --disable-pip-version-check --progress-bar off --group demo_model/pyproject.toml:speech
	@touch $@

$(VENV)/.training: $(VENV)/.installed demo_model/pyproject.toml
	@echo "Installing the training's packages, PyTorch among them (a few minutes)" >&2
	@$(RUN) -m pip install --quiet --disable-pip-version-check --progress-bar off --group demo_model/pyproject.toml:training
	@touch $@

train-demo-model: $(VENV)/.training  ## Train samples/model again (90 minutes; needs espeak-ng and flite)
	@$(RUN) -m demo_model.train $(ARGS)

eval-model: $(VENV)/.speech  ## Measure samples/model on 500 new sentences: make eval-model SEED=2
	@$(RUN) -m demo_model.evaluate --seed $(or $(SEED),1) $(ARGS)

chaos: setup  ## Simulate random stacks and recordings with faults and planted bugs (minutes); ARGS="--sequences 500"
	@PYTHONPATH=layers/dependencies $(RUN) -m tests.chaos $(ARGS)
	@PYTHONPATH=layers/dependencies $(RUN) -m tests.chaos.recordings

bench: setup  ## Measure against WhisperModel.transcribe (about 45 minutes); MODEL=base; ARGS=--quick is shorter
	@$(RUN) -m benchmarks.bench $(if $(MODEL),--models $(MODEL)) $(ARGS)

fuzz: setup  ## Fuzz parser, decoder, engine and whole requests (2 hours); ARGS="--seconds 60" is shorter
	@PYTHONPATH=inference $(RUN) -m tests.fuzz $(ARGS)

mutants: setup  ## Plant faults one at a time and check that a test fails for each; ARGS="engine --jobs 4"
	@$(RUN) -m tests.mutants $(ARGS)

bench-deploy: setup  ## Measure staging 3 GB from a stand-in hub, in MB/s and peak memory; ARGS="--megabytes 500"
	@$(RUN) -m benchmarks.deploy $(ARGS)

bench-speakers: setup  ## Measure diarization errors (10 minutes); ARGS="--recordings 5" is shorter
	@$(RUN) -m benchmarks.speakers $(ARGS)

all: lint test demo  ## Run everything that CI runs

clean:  ## Remove the virtual environment and build outputs
	@rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis
