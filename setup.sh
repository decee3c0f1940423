#!/bin/sh
# Makes .venv from the lock, with uv: sh setup.sh [PYTHON]. A second call does
# nothing. The new environment takes its place only when it is whole: what is
# cut short leaves none, and two at a time do not meet.
set -eu
cd "$(dirname "$0")"
wish=${1:-}
versions="Python 3.11, 3.12 or 3.13"

whole() { # .venv holds the whole lock, and a Python that is still there
  cmp -s requirements.txt .venv/lock.txt 2>/dev/null && [ -x .venv/bin/python ] &&
    { [ -z "$wish" ] || [ "$wish" = "$(cat .venv/wish.txt)" ]; }
}
fail() {
  echo "$*" >&2
  exit 1
}
bootstrap() { # uv, as the lock pins it, into .cache
  mkdir -p "$new/uv"
  sed -n '/^uv==/,/[^\\]$/p' requirements.txt >"$new/uv.txt"
  for python in ${wish:+"$wish"} python3 python3.13 python3.12 python3.11; do
    "$python" -c "" 2>/dev/null || continue
    "$python" -m pip --version >"$new/pip.log" 2>&1 || {
      "$python" -m venv "$new/pip" >"$new/pip.log" 2>&1 || continue
      python=$new/pip/bin/python
    }
    PIP_USER=0 "$python" -m pip install -q --disable-pip-version-check \
      --require-hashes --only-binary :all: --target "$new/uv" \
      -r "$new/uv.txt" >"$new/pip.log" 2>&1 || continue
    rm -rf .cache/uv
    mv "$new/uv" .cache/uv
    break
  done
  if ! runs .cache/uv/bin/uv; then
    tail -3 "$new/pip.log" >&2 2>/dev/null || :
    fail "The set-up needs uv, and no python3 here could install it:" \
      "see https://docs.astral.sh/uv (macOS: brew install uv; Debian," \
      "Ubuntu: python3-venv is enough)."
  fi
}
runs() {
  "$1" --version >/dev/null 2>&1
}

! whole || exit 0
case "$(uname -sm)" in
  "Darwin x86_64") fail "TensorFlow has no package for Macs with an Intel" \
    "processor: use Linux, in a container for example." ;;
  Linux* | Darwin*) ;;
  *) fail "The set-up is for Linux and macOS: use WSL." ;;
esac

for left in .cache/setup.*; do # by one that was killed
  kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"
done
new=.cache/setup.$$
mkdir -p "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

uv=uv
if ! runs uv; then
  uv=.cache/uv/bin/uv
  runs "$uv" || bootstrap
fi

echo "Making the environment, .venv: once, a minute or a few."
"$uv" venv -q --no-project --relocatable \
  --python "${wish:-cpython>=3.11,<3.14}" "$new/venv" 2>"$new/log" ||
  fail "${wish:+$wish does not run here. }The set-up needs $versions, and uv" \
    "could not fetch it ($(grep -m 1 . "$new/log")): install one, or name" \
    "one that is there: make PYTHON=/path/to/python3.12"
"$new/venv/bin/python" -c \
  "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" ||
  fail "$wish will not do: TensorFlow has packages for $versions."
[ -t 2 ] || quiet=-q # a terminal sees how far it is
"$uv" pip install ${quiet-} --python "$new/venv/bin/python" --require-hashes \
  --only-binary :all: --compile-bytecode -r requirements.txt ||
  fail "uv could not install requirements.txt: it said why. It takes packages" \
    "from PyPI or from UV_DEFAULT_INDEX, and does not read pip's settings." \
    "The same command starts it afresh."
for packages in "$new"/venv/lib/python3.*/site-packages; do
  [ ! -d "$packages" ] || # a build finds it from any folder
    ln -s ../../../../sitegen "$packages/"
done
echo "$wish" >"$new/venv/wish.txt"
cp requirements.txt "$new/venv/lock.txt"
! whole || exit 0 # another set-up was faster
[ ! -e .venv ] && [ ! -h .venv ] || mv .venv "$new/old"
# Not mv: it would put ours into one that another set-up has just made.
"$new/venv/bin/python" -c "import os; os.rename('$new/venv', '.venv')" ||
  whole || fail "Another set-up was here: give the same command again."
