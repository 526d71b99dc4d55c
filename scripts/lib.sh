# shellcheck shell=bash
# What the scripts share. To be sourced after `set -euo pipefail`; it changes to the root of the repository.

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit

# The build tags of the service: gin without MessagePack, which nobody here speaks.
build_tags=nomsgpack

say() { printf '%s\n' "$*" >&2; }

fail() {
	say "$*"
	exit 1
}

# require_go makes sure that a Go new enough for go.mod can be run.
require_go() {
	if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then
		PATH=$PATH:/usr/local/go/bin
	fi
	local wanted found
	wanted=$(awk '$1 == "go" {print $2}' go.mod)
	if ! command -v go >/dev/null; then
		fail "Go is not installed: install Go $wanted or later from https://go.dev/dl/ and try again."
	fi
	# Inside the module, so that Go may fetch the version it asks for where it is allowed to.
	if ! found=$(go env GOVERSION 2>/dev/null); then
		fail "This Go is too old ($(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || echo unknown)): install Go $wanted or later from https://go.dev/dl/ and try again."
	fi
	if [ "$(printf '%s\n' "$wanted" "${found#go}" | sort --version-sort | head -n 1)" != "$wanted" ]; then
		fail "This Go is too old (${found#go}): install Go $wanted or later from https://go.dev/dl/ and try again."
	fi
}

# as_root runs a command as root: directly, or through sudo, which may ask for a password where there is a terminal.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif [ -t 0 ]; then
		sudo "$@"
	else
		sudo --non-interactive "$@"
	fi
}

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

# apt_install installs Debian packages without questions and without what they merely recommend.
apt_install() {
	say "Installing $* with apt-get …"
	# The lists may be absent (a container) or old; whether that matters shows in the next command.
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update --quiet=2 </dev/null >&2 || true
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "$@" </dev/null >&2
}

# find_program prints the path of the first of the named programs, also where an ordinary user's PATH does not reach.
# The places are those of repository/localdb.
find_program() {
	local name directory directories
	IFS=: read -r -a directories <<<"$PATH"
	directories+=(/usr/sbin /usr/bin /usr/local/sbin /usr/local/bin /usr/libexec /usr/local/mysql/bin
		/opt/homebrew/bin /opt/homebrew/opt/mariadb/bin /usr/local/opt/mariadb/bin)
	for name in "$@"; do
		for directory in "${directories[@]}"; do
			if [ -f "$directory/$name" ] && [ -x "$directory/$name" ]; then
				printf '%s\n' "$directory/$name"
				return
			fi
		done
	done
	return 1
}

# require_mariadb makes sure that a private MariaDB can be started, unless the variable named by $1 (or its …_FILE)
# says that there is a server already.
require_mariadb() {
	local variable=$1 file=$1_FILE server
	if [ -n "${!variable:-}" ] || [ -n "${!file:-}" ]; then
		return
	fi
	if server=$(find_program mariadbd mysqld); then
		if find_program mariadb-install-db mysql_install_db >/dev/null; then
			return
		fi
		# Installing MariaDB would remove the MySQL that somebody put here.
		fail "$server is not MariaDB: set $variable to that server (user:password@unix(/path/to/socket)/database), or install mariadb-server yourself."
	fi
	if command -v apt-get >/dev/null && can_be_root; then
		apt_install mariadb-server || fail "apt-get could not install mariadb-server: install MariaDB 10.6 or later yourself, or set $variable to a MySQL 8 or MariaDB server."
	elif [ "$(uname -s)" = Darwin ] && command -v brew >/dev/null; then
		say "Installing mariadb with Homebrew …"
		brew install mariadb >&2 || fail "Homebrew could not install mariadb: install MariaDB 10.6 or later yourself, or set $variable to a MySQL 8 or MariaDB server."
	else
		fail "MariaDB is not installed, and this script cannot install it here: install the package mariadb-server (10.6 or later), or set $variable to a MySQL 8 or MariaDB server."
	fi
}

# require_font makes sure that contracts can be printed as PDF, unless FUMIN_FONT_FILE names a font. $1 says what to do when it
# cannot be installed: `fail`, or `say` where the rest works without.
require_font() {
	local path
	if [ -n "${FUMIN_FONT_FILE:-}" ]; then
		return
	fi
	# The places are those of repository/contractprint.
	for path in /usr/share/fonts/truetype/wqy/wqy-zenhei.ttc /usr/share/fonts/truetype/wqy/wqy-microhei.ttc \
		/usr/share/fonts/truetype/hanazono/HanaMinA.ttf; do
		if [ -f "$path" ]; then
			return
		fi
	done
	if ! command -v apt-get >/dev/null || ! can_be_root || ! apt_install fonts-wqy-zenhei; then
		"$1" "No Chinese font that can be embedded: install fonts-wqy-zenhei, or set FUMIN_FONT_FILE to a TrueType font; contracts are printed as PDF with it."
	fi
}

# require_xmllint makes sure that files of the bank can be held against their official schemas.
require_xmllint() {
	if command -v xmllint >/dev/null; then
		return
	fi
	if ! command -v apt-get >/dev/null || ! can_be_root || ! apt_install libxml2-utils; then
		fail "xmllint is not installed: install libxml2-utils (libxml2); the tests hold the bank's files against the official schemas with it."
	fi
}

# have_schemas fetches the module with the official schemas into Go's own cache, outside our module, whose requirements it is
# none of. The test that uses it holds it to a pinned hash.
have_schemas() {
	local module
	module=$(sed -n 's/.*schemasModule = "\(.*\)"/\1/p' domain/paymentfile/iso20022_test.go)
	(cd "${TMPDIR:-/tmp}" && go mod download "$module") >/dev/null 2>&1
}

# require_c_compiler makes sure that the race detector can be linked.
require_c_compiler() {
	if command -v "${CC:-gcc}" >/dev/null || command -v clang >/dev/null; then
		return
	fi
	if command -v apt-get >/dev/null && can_be_root; then
		apt_install gcc libc6-dev || fail "apt-get could not install gcc: the race detector needs a C compiler; install one and try again."
	else
		fail "No C compiler: the race detector needs one; install gcc or clang and try again."
	fi
}

# build makes bin/fumin. Go builds only what changed.
build() {
	local stamp=()
	# In a folder of somebody else's (a container's mount) git refuses to answer, and Go would refuse to build.
	if ! git rev-parse --quiet --verify HEAD >/dev/null 2>&1; then
		stamp=(-buildvcs=false)
	fi
	CGO_ENABLED=0 go build -trimpath -tags="$build_tags" ${stamp[@]+"${stamp[@]}"} -o bin/fumin .
}
