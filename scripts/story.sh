#!/usr/bin/env bash
# Plays demo cases over HTTP and checks every step: ./scripts/story.sh [id], or --crash duck-shed [N]; --help explains.
# Without a running service it starts one, with a database that is thrown away afterwards.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

require_go
# A service may have to be started, unless one is named. The database is always a private one.
if [ -z "${FUMIN_URL:-}" ] || [ "${1:-}" = --crash ]; then
	FUMIN_STORY_DSN='' require_mariadb FUMIN_STORY_DSN
	build
fi
go build -tags="$build_tags" -buildvcs=false -o bin/story ./scripts/story
exec bin/story "$@"
