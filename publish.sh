#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
#
# Publish the stack the way Live Call Analytics does with each of its nested stacks: the packaged
# template goes to s3://<bucket>/<prefix>/lca-whisper-sagemaker-stack/template.yaml and its
# artifacts below the same prefix. The bucket exists. Only build/ is written, because LCA publishes
# a stack again when any other file of it has changed.
set -euo pipefail

usage() {
  echo "usage: ./publish.sh <bucket> <prefix/version> <region> [public]" >&2
  echo "Give an existing bucket, the prefix of the keys, the bucket's Region, and the word" >&2
  echo "public to let everybody read what is published." >&2
  exit 2
}

if [[ $# -lt 3 || $# -gt 4 || -z $1 || -z $2 || -z $3 || ${4:-public} != public ]]; then
  usage
fi
readonly bucket=$1 region=$3 access=${4:-private}
prefix=${2%/}/lca-whisper-sagemaker-stack
readonly prefix key=$prefix/template.yaml

cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
export PYTHONDONTWRITEBYTECODE=1 AWS_PAGER=""

for tool in python3 aws; do
  if ! command -v "$tool" >/dev/null; then
    echo "publish: install $tool, which is not on the PATH." >&2
    exit 1
  fi
done

python3 -m scripts.publish.build --bucket "$bucket" --prefix "$prefix" --region "$region" >/dev/null
aws s3 cp build/packaged.yaml "s3://$bucket/$key" --region "$region" --only-show-errors

if [[ $access == public ]]; then
  keys=$(aws s3api list-objects-v2 --bucket "$bucket" --prefix "$prefix/" --region "$region" \
    --query 'Contents[].[Key]' --output text)
  while read -r published; do
    aws s3api put-object-acl --bucket "$bucket" --key "$published" --acl public-read \
      --region "$region"
  done <<<"$keys"
fi

domain=amazonaws.com
if [[ $region == cn-* ]]; then
  domain=amazonaws.com.cn
fi
readonly url=https://s3.$region.$domain/$bucket/$key
aws cloudformation validate-template --template-url "$url" --region "$region" >/dev/null
echo "$url"
