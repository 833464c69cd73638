#!/usr/bin/env bash
# The tests of the engine and all benchmarks on one device; records go to bench/results/NAME/.
#
#   bench/device.sh NAME [SELECTOR]     SELECTOR as for --device; default: the first GPU
#   bench/device.sh h200 gpu
#
# On a machine without packages: scripts/portable.sh elsewhere, then build/portable/run bench/device.sh NAME here.
set -u
cd "$(dirname "$0")/.."

name=${1:?name of the device, for the folder of the records}
selector=${2:-gpu}
out=bench/results/$name
date=$(date +%F)
mesocl=${MESOCL_PROGRAM:-build/release/mesocl}
programs=${MESOCL_PROGRAM:+$(dirname "$MESOCL_PROGRAM")}
programs=${programs:-build/release/tests}
mkdir -p "$out"

# a driver whose loader was not told of it
if [ "$selector" = gpu ] && ! "$mesocl" devices | grep -qi nvidia; then
    driver=$(find /usr/lib /usr/lib64 /usr/local /opt -name 'libnvidia-opencl.so.1' 2>/dev/null | head -n 1)
    [ -z "$driver" ] || export OCL_ICD_FILENAMES=$driver
fi
"$mesocl" devices || exit

export MESOCL_TEST_DEVICE=$selector MESOCL_DEVICE=$selector
failed=0
for test in "$programs"/network_test_* "$programs"/kernel_test_*; do
    case $test in *test_step_loop) continue ;; esac # wraps malloc
    if "$test" > "/tmp/$(basename "$test").log" 2>&1; then
        echo "passed  $(basename "$test")"
    else
        echo "FAILED  $(basename "$test"), see /tmp/$(basename "$test").log"
        failed=$((failed + 1))
    fi
done

bench() { # record case options...
    local record=$1
    shift
    echo "== $*"
    "$mesocl" bench "$@" --json "$out/$date-$record.json" | grep -E 'real-time|before the run|hash|per neuron-step|us$|ns$'
}
bench microbenchmarks microbenchmarks
bench pd14-poisson pd14 --seconds 2 --repeats 5
bench pd14-dc pd14 --drive dc --seconds 2 --repeats 5
bench pd14-0.1-poisson pd14 --scale 0.1 --seconds 4 --repeats 5
bench pd14-0.1-dc pd14 --scale 0.1 --drive dc --seconds 4 --repeats 5
bench coba-4000x80 coba --neurons 4000 --seconds 4 --repeats 5
bench coba-40000x80 coba --neurons 40000 --seconds 2 --repeats 5
bench coba-40000x1000 coba --neurons 40000 --in-degree 1000 --seconds 2 --repeats 5
bench brunel-ai brunel --seconds 1 --repeats 5
for size in xs s m; do bench "circuit-$size" circuit --size "$size" --seconds 1 --repeats 3; done
bench circuit-s-grids circuit --size s --grids --seconds 1 --repeats 3
echo "$failed tests failed; records in $out"
exit $((failed > 0))
