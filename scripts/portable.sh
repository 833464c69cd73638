#!/usr/bin/env bash
# build/portable: the program, the tests and the libraries that they need, to be copied to a machine without packages.
# Run there: build/portable/run bench/device.sh NAME, or build/portable/run mesocl devices.
set -euo pipefail
cd "$(dirname "$0")/.."

out=build/portable
rm -rf "$out"
mkdir -p "$out/bin" "$out/lib"
cp build/release/mesocl "$out/bin/"
find build/release/tests -maxdepth 1 -type f -perm -u+x -name '*_test_*' -exec cp {} "$out/bin/" \;

# everything but the C library, which belongs to the machine
for program in "$out"/bin/*; do ldd "$program"; done |
    awk '$3 ~ /^\// { print $3 }' | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*)\.so' |
    xargs -r -I{} cp -Ln {} "$out/lib/"

cat > "$out/run" <<'RUN'
#!/usr/bin/env bash
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" PATH="$here/bin:$PATH" MESOCL_PROGRAM="$here/bin/mesocl"
exec "$@"
RUN
chmod +x "$out/run"
du -sh "$out"
