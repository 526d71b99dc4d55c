#!/usr/bin/env bash
# Measures loans a second through HTTP at 1, 8 and 32 clients, beside a plain database/sql program that sends the same
# statements to the same private database, in turns. --help lists the flags; nothing is left behind.
# `bench.sh report` writes a million payments instead and measures the reports over them.
# `bench.sh borrowers` loads 200,000 borrowers in 60,000 households instead and times each search over them.
# `bench.sh replay` replays the shipped rules over 100,000 stored decisions, beside reading the rows alone.
# `bench.sh reconcile` imports a day file of 100,000 payments, matches it with what was paid, and closes the day.
# `bench.sh pre-approval` pre-approves a list of 50,000 households that are all on file, beside reading its rows alone.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

require_go
FUMIN_BENCH_DSN='' require_mariadb FUMIN_BENCH_DSN
if [ "${1:-}" = borrowers ]; then
	exec go test -tags="$build_tags" -run='^$' -bench=BorrowerSearch -benchtime=500x ./repository
fi
if [ "${1:-}" = replay ]; then
	exec go test -tags="$build_tags" -run='^$' -bench='^BenchmarkReplay$' -benchtime=1x ./repository
fi
if [ "${1:-}" = reconcile ]; then
	exec go test -tags="$build_tags" -run='^$' -bench='^BenchmarkReconcile$' -benchtime=1x ./repository
fi
if [ "${1:-}" = pre-approval ]; then
	exec go test -tags="$build_tags" -run='^$' -bench='^BenchmarkPreApproval$' -benchtime=1x ./repository
fi
build
go build -tags="$build_tags" -buildvcs=false -o bin/bench ./scripts/bench
exec bin/bench "$@"
