# The work is in script/; each target installs what it misses (Debian, cargo given) and can be run again at any time.
.PHONY: report demo test lint bench integration metrics trial trend attach fresh container fuzz kernels bench-levels targets artefacts

report:
	@script/report

demo:
	@script/demo

test:
	@script/test

lint:
	@script/lint

bench:
	@script/bench

bench-levels:
	@script/bench levels

targets:
	@script/targets

artefacts:
	@script/artefacts

integration:
	@script/integration

metrics:
	@script/metrics

trial:
	@script/trial

trend:
	@script/trend

attach:
	@script/test-attach

fresh:
	@script/fresh

container:
	@script/container

fuzz:
	@script/fuzz

kernels:
	@script/kernels
