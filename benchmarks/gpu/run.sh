#!/usr/bin/env bash
# The whole loop, its floor, the peers, CPU against GPU, and sampling, on one card, in under 8 minutes:
#
#     benchmarks/gpu/run.sh                        # on a machine with a GPU; results on stdout and in OUT (default: .)
#     benchmarks/gpu/run.sh --device cpu --tiny    # a dry run anywhere
#
# Nothing is fetched and no trained weight is read. What a bare machine lacks is carried there in WHEELS (default:
# benchmarks/gpu/wheels, which git ignores), written beforehand where there is a network, for the other machine's Python:
#
#     python -m pip download --only-binary :all: --no-deps --python-version 3.12 -d benchmarks/gpu/wheels \
#         torch-fidelity torchmetrics lightning-utilities open-clip-torch ftfy wcwidth regex timm lpips clean-fid \
#         pydantic pydantic-core annotated-types typing-inspection platformdirs pooch typer rich pyarrow pyyaml filelock
#
# (those that it lacks; PyTorch and torchvision it must have), and is put into a folder of its own, so that the machine's
# Python and its PyTorch stay as they are. PYTHON: which one.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
python=${PYTHON:-python3}
wheels=${WHEELS:-$here/wheels}
export OUT=${OUT:-.}
export PYTHONPATH=$here:$root/benchmarks:$root${PYTHONPATH:+:$PYTHONPATH}
export CUBLAS_WORKSPACE_CONFIG=:4096:8  # deterministic products, which the harness asks for

if compgen -G "$wheels/*.whl" >/dev/null; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    "$python" -m pip install --quiet --no-index --no-deps --target "$folder" "$wheels"/*.whl
    export PYTHONPATH=$PYTHONPATH:$folder
fi
timeout 480 "$python" "$here/measure.py" "$@"
