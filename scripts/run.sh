#!/usr/bin/env bash
# Builds Fumin and runs it on a private database with demo data, installing MariaDB and a Chinese font first where they are missing.
# Everything it writes is in bin/ and .fumin/. Set FUMIN_DSN to use a MySQL 8 or MariaDB server you have.
# Arguments are passed to `fumin demo`.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

require_go
require_mariadb FUMIN_DSN
require_font say
build
exec bin/fumin demo "$@"
