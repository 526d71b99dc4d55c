#!/usr/bin/env bash
# Plays demo cases over HTTP and checks every step: ./scripts/story.sh [id | --all], or --crash duck-shed [N].
# Without an argument it lists the stories.
# Without a running service it starts one, with a database that is thrown away afterwards.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

require_go
# A service may have to be started, unless one is named. The database is always a private one.
needs_service=
case ${1:-} in
'' | -h | -help | --help) ;; # the text needs no service
--crash) needs_service=yes ;;
*) [ -n "${FUMIN_URL:-}" ] || needs_service=yes ;;
esac
if [ -n "$needs_service" ]; then
	FUMIN_STORY_DSN='' require_mariadb FUMIN_STORY_DSN
	build
fi
go build -tags="$build_tags" -buildvcs=false -o bin/story ./scripts/story
exec bin/story "$@"
