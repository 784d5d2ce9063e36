# The work is in script/; each target installs what it misses (Debian, cargo given) and can be run again at any time.
.PHONY: report test lint bench

report:
	@script/report

test:
	@script/test

lint:
	@script/lint

bench:
	@script/bench
