#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
#
# Verify in your own AWS account what only AWS can prove: deploy, transcribe, load, update, roll back,
# change the instance type, scale, delete, and count what is left.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PRICE_CENTS_PER_HOUR=165 # of one ml.g5.2xlarge with some room; Regions differ
readonly MINUTES=150

usage() {
  cat >&2 <<'TEXT'
usage: scripts/verify_aws.sh --bucket <bucket> --region <region> [--stack <name>] [--yes] [--dry-run]

Deploys the stack as <name> (whisper-verify) with its artifacts in <bucket>, goes through its life
and deletes it. Asks before it spends anything; --yes answers for you. --dry-run prints the commands
and runs none. Needs the AWS CLI and, for one GPU instance of ml.g5.2xlarge and two of ml.g6.2xlarge,
quota "for endpoint usage".
TEXT
  exit 2
}

bucket='' region='' stack=whisper-verify yes='' dry=''
while (($#)); do
  case "$1" in
    --bucket) bucket=${2:-}; shift 2 || usage ;;
    --region) region=${2:-}; shift 2 || usage ;;
    --stack) stack=${2:-}; shift 2 || usage ;;
    --yes) yes=1; shift ;;
    --dry-run) dry=1; shift ;;
    *) usage ;;
  esac
done
[[ -n $bucket && -n $region && -n $stack ]] || usage

passed=0 failed=0

run() { # run <command…>: runs it, or prints it in a dry run
  if [[ -n $dry ]]; then
    printf '  %s\n' "$(printf '%q ' "$@" | sed 's/ $//')"
  else
    "$@"
  fi
}

aws_() { run aws --region "$region" --output text "$@"; }

check() { # check <description> <command…>: runs it, and counts the result
  local what=$1
  shift
  if [[ -n $dry ]]; then
    printf 'check: %s\n' "$what"
    "$@"
  elif "$@" >/dev/null 2>&1; then
    printf 'held:  %s\n' "$what"
    passed=$((passed + 1))
  else
    printf 'FAILED: %s\n' "$what"
    failed=$((failed + 1))
  fi
}

deploy() { # deploy <parameter=value…>
  aws_ cloudformation deploy --template-file build/packaged.yaml --stack-name "$stack" \
    --s3-bucket "$bucket" --capabilities CAPABILITY_IAM --tags purpose=verify \
    --no-fail-on-empty-changeset --parameter-overrides "$@"
}

refuses() { ! "$@"; }

fails() { # the same in a dry run: only the text
  if [[ -n $dry ]]; then "$@"; else refuses "$@"; fi
}

output() { # output <key>: an output of the stack
  if [[ -n $dry ]]; then
    printf '<%s>' "$1"
  else
    aws --region "$region" --output text cloudformation describe-stacks --stack-name "$stack" \
      --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" || printf 'no-stack'
  fi
}

transcribe() {
  run "${PYTHON:-python3}" -m live_whisper live samples/calls/caller-in-background-noise.wav \
    --endpoint-name "$1" --region "$region"
}

load() { # eight concurrent calls; one in a dry run
  local call processes=()
  if [[ -n $dry ]]; then
    transcribe "$1"
    return
  fi
  for call in 1 2 3 4 5 6 7 8; do
    transcribe "$1" >/dev/null &
    processes[call]=$!
  done
  for call in 1 2 3 4 5 6 7 8; do
    wait "${processes[call]}" || return 1
  done
}

in_service() { # in_service <endpoint> <instance type>
  local config
  config=$(aws_ sagemaker describe-endpoint --endpoint-name "$1" --query EndpointConfigName)
  [[ -n $dry ]] && printf '%s\n' "$config"
  [[ -n $dry ]] || [[ $(aws_ sagemaker describe-endpoint-config --endpoint-config-name "$config" \
    --query 'ProductionVariants[0].InstanceType') == "$2" ]]
}

policies() { # policies <endpoint> <number>
  local found
  found=$(aws_ application-autoscaling describe-scaling-policies --service-namespace sagemaker \
    --resource-id "endpoint/$1/variant/AllTraffic" --query 'length(ScalingPolicies)')
  if [[ -n $dry ]]; then printf '%s\n' "$found"; else [[ $found == "$2" ]]; fi
}

nothing_left() { # looks for resources with the stack's tag
  local found
  found=$(aws_ resourcegroupstaggingapi get-resources \
    --tag-filters "Key=whisper-sagemaker:stack,Values=$1" --query 'length(ResourceTagMappingList)')
  if [[ -n $dry ]]; then printf '%s\n' "$found"; else [[ $found == 0 ]]; fi
}

cost=$((PRICE_CENTS_PER_HOUR * 3 * MINUTES / 60))
printf 'About %d minutes and, with up to three instances at a time, at most %d.%02d USD.\n' \
  "$MINUTES" $((cost / 100)) $((cost % 100))
if [[ -z $dry && -z $yes ]]; then
  read -r -p "Deploy $stack in $region of account $(aws sts get-caller-identity \
    --query Account --output text)? [y/N] " answer
  [[ $answer == y ]] || exit 1
fi

is_there=1
leave() {
  [[ -n $dry || -z $is_there ]] || printf 'Still there: aws --region %s cloudformation delete-stack --stack-name %s\n' \
    "$region" "$stack" >&2
}
trap leave EXIT

run make package "BUCKET=$bucket" "REGION=$region" PREFIX=verify

check 'a stack with defaults is created' deploy WhisperModelSize=tiny.en AutoScalingMaxCapacity=2 \
  AutoScalingTargetConcurrentRequests=4
endpoint=$(output WhisperSageMakerEndpointName)
if [[ -n $dry ]]; then
  identity='<stack id>'
else
  identity=$(aws --region "$region" --output text cloudformation describe-stacks \
    --stack-name "$stack" --query 'Stacks[0].StackId') || identity=$stack
fi
check 'the endpoint transcribes' transcribe "$endpoint"
check 'eight calls at once are transcribed' load "$endpoint"
check 'both scaling policies are registered' policies "$endpoint" 2
check 'another model is moved to' deploy WhisperModelSize=base.en
check 'it transcribes after the update' transcribe "$endpoint"
check 'a broken update is rolled back' fails deploy ModelS3Uri="s3://$bucket/no-such-model/"
check 'it transcribes after the roll-back' transcribe "$endpoint"
check 'the instance type changes while scaling is on' deploy ModelS3Uri= \
  SageMakerInstanceType=ml.g6.2xlarge
check 'it has the new type' in_service "$endpoint" ml.g6.2xlarge
check 'both scaling policies are there again' policies "$endpoint" 2
check 'a type without capacity or quota is rolled back' fails deploy \
  SageMakerInstanceType=ml.p4de.24xlarge
check 'both scaling policies are there after the failure' policies "$endpoint" 2
check 'a policy that was made again can be changed' deploy SageMakerInstanceType=ml.g6.2xlarge \
  AutoScalingTargetConcurrentRequests=2
check 'an isolated container starts' deploy EnableNetworkIsolation=true
check 'it transcribes in isolation' transcribe "$endpoint"
check 'a canary update with two instances' deploy EnableNetworkIsolation=false UpdatePolicy=canary \
  SageMakerInstanceCount=2 AutoScalingMinCapacity=2
check 'a CPU instance type' deploy UpdatePolicy=all-at-once SageMakerInstanceType=ml.c7i.4xlarge \
  WhisperModelSize=tiny.en SageMakerInstanceCount=1 AutoScalingMinCapacity=1
check 'it transcribes on a CPU' transcribe "$endpoint"
check 'the stack is deleted' aws_ cloudformation delete-stack --stack-name "$stack"
check 'the deletion ends well' aws_ cloudformation wait stack-delete-complete --stack-name "$identity"
check 'nothing that carries our tag is left' nothing_left "$identity"
is_there=

if [[ -z $dry ]]; then
  printf '%d held, %d failed\n' "$passed" "$failed"
  ((failed == 0))
fi
