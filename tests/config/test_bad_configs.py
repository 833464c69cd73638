"""Every mistake in bad/ gets its exact message: bad/<case>.json (+ .args), message in bad/<case>.expect.

With --update the messages are written anew; read the difference before you keep it.
"""
import os
import pathlib
import subprocess
import sys

BAD = pathlib.Path(__file__).resolve().parent / "bad"
FEWEST_CASES = 45


def check(case):
    """Run `mesocl check` on a case from its folder, so that messages name files as given."""
    arguments_file = BAD / f"{case}.args"
    arguments = []
    if arguments_file.exists():
        for assignment in arguments_file.read_text().splitlines():
            arguments += ["--set", assignment]
    program = pathlib.Path(os.environ["MESOCL_PROGRAM"]).resolve()
    return subprocess.run([program, "check", f"{case}.json", *arguments], cwd=BAD,
                          capture_output=True, text=True, timeout=60)


def mistakes(case, result, message):
    """What is wrong with the answer to a case."""
    expected = f"mesocl: error: {message}"
    if result.returncode != 2:
        yield f"exit code {result.returncode}, not 2"
    if result.stdout:
        yield f"unexpected output: {result.stdout!r}"
    if result.stderr != expected:
        yield f"expected  {expected!r}\n      got       {result.stderr!r}"


def main():
    before = sorted(path.name for path in BAD.iterdir())
    cases = [name.removesuffix(".expect") for name in before if name.endswith(".expect")]
    if "--update" in sys.argv:
        for case in {name.split(".")[0] for name in before if not name.startswith("part_")}:
            message = check(case).stderr.removeprefix("mesocl: error: ")
            (BAD / f"{case}.expect").write_text(message)
        return 0
    assert len(cases) >= FEWEST_CASES, f"only {len(cases)} cases"
    failed = 0
    for case in cases:
        message = (BAD / f"{case}.expect").read_text()
        for mistake in mistakes(case, check(case), message):
            print(f"{case}: {mistake}")
            failed += 1
    after = sorted(path.name for path in BAD.iterdir())
    assert before == after, f"something was written: {set(after) ^ set(before)}"
    print(f"{len(cases)} cases, {failed} mistakes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
