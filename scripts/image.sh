#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
#
# Builds our own image: scripts/image.sh NAME [cpu|cuda] [whisper|root]
# For SageMaker: scripts/image.sh 111122223333.dkr.ecr.eu-west-1.amazonaws.com/whisper:1.0 cuda root
set -euo pipefail

usage() {
  echo "usage: scripts/image.sh NAME [cpu|cuda] [whisper|root]" >&2
  echo "Give the image's name, such as whisper:1.0, where it computes (cpu), and the user that it" >&2
  echo "runs as (whisper; SageMaker needs root)." >&2
  exit 2
}

if [[ $# -lt 1 || $# -gt 3 || -z $1 || $1 == -* ]]; then
  usage
fi
readonly name=$1 accelerator=${2:-cpu} user=${3:-whisper}
case $accelerator/$user in
  cpu/whisper | cpu/root | cuda/whisper | cuda/root) ;;
  *) usage ;;
esac
if ! command -v docker >/dev/null; then
  echo "image: install docker, which is not on the PATH." >&2
  exit 1
fi

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
docker build --file inference/Dockerfile --tag "$name" \
  --build-arg "ACCELERATOR=$accelerator" --build-arg "RUN_AS=$user" .
echo "Built $name. Push it with: docker push $name"
