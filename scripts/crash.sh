#!/usr/bin/env bash
# Kills two service processes and their database at random, 200 times in all, under load and with a payment channel that loses
# answers; then every sum, payment and limit must agree with the channel's list. --help lists the flags; nothing is left behind.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

require_go
FUMIN_CRASH_DSN='' require_mariadb FUMIN_CRASH_DSN
build
go build -tags="$build_tags" -buildvcs=false -o bin/crash ./scripts/crash
exec bin/crash "$@"
