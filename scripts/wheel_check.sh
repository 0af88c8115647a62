#!/bin/sh
# Builds the wheel through the sdist, installs it beside the packages of the development environment, hides the
# checkout and runs the suite (without its slow part) against what was installed.
# usage: scripts/wheel_check.sh PYTHON [PYTEST ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."

checkout=$PWD
python=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m hatchling build -t sdist -d "$work" >/dev/null
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$work" "$work"/*.tar.gz
if "$python" -m zipfile -l "$work"/*.whl | awk 'NR > 1 {print $1}' | grep -v -e '^r3cli/' -e '^r3cli-'; then
    echo "wheel: the names above do not belong into it" >&2
    exit 1
fi

# The packages of the environment are seen through a plain path entry: the editable install's own .pth is not read
# from there, so the checkout stays out of sight and torch is not installed twice.
"$python" -m venv --without-pip "$work/venv"
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
here=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -m pip --python "$work/venv/bin/python" install --quiet --disable-pip-version-check --no-deps --no-index "$work"/*.whl
echo "$packages" >"$here/environment.pth"

# A folder whose own `commands` and `config` must not be taken for ours.
mkdir -p "$work/decoy/commands" "$work/decoy/config"
echo 'raise SystemExit("the decoy was imported")' >"$work/decoy/commands/__init__.py"
cp "$work/decoy/commands/__init__.py" "$work/decoy/commands/app.py"
(
    cd "$work/decoy"
    PATH="$work/venv/bin:$PATH"
    r3 --version
    python -m r3cli --help >/dev/null
    HOME=$work/home r3 config validate >/dev/null
    r3="r3cli.__file__.startswith('$work/venv/')"
    python -c "import r3cli, importlib.util as u; assert $r3, r3cli.__file__; assert u.find_spec('hatch_build') is None"
)
for script in bash-completion/completions/r3 zsh/site-functions/_r3 fish/vendor_completions.d/r3.fish; do
    test -s "$work/venv/share/$script" || { echo "wheel: share/$script is missing" >&2; exit 1; }
done

mkdir "$work/run"
cp -R tests docs pyproject.toml ./*.md "$work/run/"
find "$work/run" -name __pycache__ -prune -exec rm -rf {} +
cd "$work/run"
R3_TEST_CACHE=${R3_TEST_CACHE:-$checkout/.cache/engines} PATH="$work/venv/bin:$PATH" \
    "$work/venv/bin/python" -m pytest -p no:cacheprovider "$@"
