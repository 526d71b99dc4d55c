#!/usr/bin/env bash
# Runs the tests with the race detector on a private, throw-away database, installing what they need first.
# Set FUMIN_TEST_DSN to use a server you have. Arguments replace ./... : ./scripts/test.sh -run Release ./api/...
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

require_go
require_mariadb FUMIN_TEST_DSN
require_font fail
require_c_compiler
if [ $# -eq 0 ]; then
	require_xmllint
	if have_schemas; then
		build_tags=$build_tags,schemas # see domain/paymentfile/iso20022_test.go
	else
		say 'left out: the official schemas of the bank'"'"'s files could not be fetched from the module proxy'
	fi
	set -- ./...
fi
# -count=1: a result that was remembered says nothing about the database of today.
CGO_ENABLED=1 exec go test -race -count=1 -timeout=10m -tags="$build_tags" "$@"
