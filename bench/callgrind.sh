#!/bin/sh
# Instructions of each stage: callgrind counts a run of many units of work and one of
# few, and the difference is divided. Counts repeat where times do not; what the
# runtime does beside is in both runs. Needs valgrind, which may not know rdtscp.
#
#   bench/callgrind.sh [STAGE]...
set -eu
cd "$(dirname "$0")"
few=20000 many=220000
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
command -v valgrind >/dev/null || { echo "callgrind: valgrind is not installed" >&2; exit 1; }
go test -c -o "$dir/bench.test" .

count() { # stage, units of work
	GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off GOGC=off GOMAXPROCS=1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$dir/bench.test" -test.run '^$' -test.bench "^BenchmarkStages\$/^$1\$" -test.benchtime "${2}x" 2>&1 |
		awk '/Collected/ { print $4 }'
}

if [ $# -eq 0 ]; then
	set -- nothing decode_ITCH decode_Binance_JSON venue_book venue_book,_composite,_features \
		codes_and_table_lookup allocate risk_gate encode_order firewall,_an_order ring_push_and_pop \
		two_messages_without_order two_messages_with_an_order_each
fi
echo "| stage | instructions |"
echo "|---|---|"
for stage in "$@"; do
	a=$(count "$stage" $few)
	b=$(count "$stage" $many)
	[ -n "$a" ] && [ -n "$b" ] || { echo "callgrind: no count for $stage" >&2; exit 1; }
	echo "| $stage | $(((b - a) / (many - few))) |" | tr _ ' '
done
