#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
#
# Builds our own image: scripts/image.sh NAME [cpu|cuda] [whisper|root]
# For SageMaker: scripts/image.sh 111122223333.dkr.ecr.eu-west-1.amazonaws.com/whisper:1.0 cuda root
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?Give the name of the image: scripts/image.sh whisper:1.0 [cpu|cuda] [whisper|root]}
docker build --file inference/Dockerfile --tag "$name" \
  --build-arg "ACCELERATOR=${2:-cpu}" --build-arg "RUN_AS=${3:-whisper}" .
echo "Built $name. Push it with: docker push $name"
