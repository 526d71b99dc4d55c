#!/usr/bin/env bash
# Checks everything that needs no running test: format, vet, lint, shell scripts, modules, generated files.
# Runs all checks, then says what to do about those that failed. Changes nothing but generated files.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

require_go

failures=()

# check NAME ADVICE COMMAND… runs one check and remembers the advice when it fails.
check() {
	local name=$1 advice=$2 start=$SECONDS
	shift 2
	if "$@"; then
		say "ok    $name ($((SECONDS - start)) s)"
	else
		say "FAIL  $name ($((SECONDS - start)) s)"
		failures+=("$name: $advice")
	fi
}

linter() { go tool -modfile=scripts/tools/go.mod golangci-lint "$@"; }

formatted() {
	local files
	files=$(gofmt -l -- *.go api domain repository scripts)
	if [ -n "$files" ]; then
		say "$files"
		return 1
	fi
}

shell_scripts() { shellcheck --external-sources --severity=style -- scripts/*.sh .ci/run; }

changes() { git status --porcelain 2>/dev/null || true; }

# unchanged fails when the checks changed a tree that was clean before.
unchanged() {
	local now
	now=$(changes)
	if [ -z "$before" ] && [ -n "$now" ]; then
		say "$now"
		return 1
	fi
}

before=$(changes)
check format 'run: go tool -modfile=scripts/tools/go.mod golangci-lint fmt' formatted
check vet 'correct what go vet names above' go vet -tags="$build_tags" ./...
check lint 'correct what golangci-lint names above; a finding that is wrong here gets //nolint:name // why; for format and imports run: go tool -modfile=scripts/tools/go.mod golangci-lint fmt' linter run
if ! command -v shellcheck >/dev/null && [ "${CI:-}" = true ] && command -v apt-get >/dev/null && can_be_root; then
	apt_install shellcheck || true # said below
fi
if command -v shellcheck >/dev/null; then
	check shell 'correct what shellcheck names above' shell_scripts
else
	say 'left out: shellcheck is not installed (apt-get install shellcheck)'
fi
check modules 'run: go mod tidy' go mod tidy -diff
check checksums 'a module on this machine differs from go.sum: look closely, then run: go clean -modcache' go mod verify
check generate 'correct what go generate names above' go generate ./...
check clean 'generated files were out of date: commit what is listed above' unchanged

if [ ${#failures[@]} -gt 0 ]; then
	say ''
	say 'What to do:'
	for failure in "${failures[@]}"; do
		say "  - $failure"
	done
	exit 1
fi
