# Every command that a person or CI runs. `make` lists them.
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
WORKERS ?= 2
# Some images set it. Each process would then compile every module again, 2 s of CPU for a training.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo up down test test-conformance test-azure crash soak examples storm bench bench-data-check bench-data-size bench-drift bench-gates mutants test-worker record-worker lint check advisories infra-check mlflow-ui base-image lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# One stamp: a changed lock makes the environment again, an unchanged one costs nothing.
$(READY): uv.lock pyproject.toml scripts/setup scripts/setup-requirements.txt
	@sh scripts/setup $(VENV)
	@touch $@

demo: $(READY) ## Run the whole loop once: data, training, approval, production
	@$(PY) -m mlopsctl demo

up: $(READY) ## Start the app on this machine and keep it until Ctrl-C (PORT=8080: at this port)
	@$(PY) -m mlopsctl up $(if $(PORT),--port $(PORT))

down: $(READY) ## Stop the app on this machine, however it was started
	@$(PY) -m mlopsctl down

test: $(READY) ## Run the tests, two files at a time (WORKERS=2): the longest files first
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-conformance: $(READY) ## Play the recorded answers of Microsoft's extensions in every mode
	@CONFORMANCE=all $(PY) -m pytest -rP tests/conformance

crash: $(READY) ## Kill the host at every commit point and compare with an undisturbed run
	@CRASH_POINTS=all STORIES=all $(PY) -m pytest tests/funchost/test_crash.py tests/stories/test_crash.py tests/stories/test_up.py

soak: $(READY) ## Run the long stories that `make test` leaves out, and the stories beside them
	@STORIES=all $(PY) -m pytest -n $(WORKERS) --dist loadfile tests/stories tests/mlopsctl/test_init.py

examples: $(READY) ## Draw new random examples in the property tests; `make test` draws the same each time
	@EXAMPLES=new $(PY) -m pytest -n $(WORKERS) --dist loadfile -m hypothesis

storm: $(READY) ## Send 10,000 events, kill the host in between, and count the results
	@EVENT_STORM=10000 $(PY) -m pytest tests/stories/test_event_storm.py

test-azure: $(READY) ## Run the Azure adapters against servers of this repository and Azurite
	@FAULT_POINTS=all STORIES=all $(PY) -m pytest -n $(WORKERS) --dist loadfile tests/contracts tests/adapters/azure tests/stories/test_azure.py \
		tests/infra tests/scoring/test_log_shipping.py tests/scoring/test_tracing.py tests/test_application_insights.py

MLFLOW_PORT ?= 5000
MLFLOW_STATE ?= .mlops
mlflow-ui: $(READY) ## Show every training and evaluation (installs MLflow into .venv-mlflow; MLFLOW_STATE=, MLFLOW_PORT=)
	@test -d .venv-mlflow || $(VENV)/bin/uv venv --quiet --python $(PY) .venv-mlflow
	@$(VENV)/bin/uv pip install --quiet --python .venv-mlflow/bin/python "mlflow==$$($(PY) -c 'from importlib.metadata import version; print(version("mlflow-skinny"))')"
	@.venv-mlflow/bin/python scripts/mlflow-ui "$(MLFLOW_STATE)" $(MLFLOW_PORT)

test-worker: $(READY) ## Run a training with Microsoft's worker library and Azurite (Python 3.13, node)
	@sh scripts/worker-venv .venv-worker
	@MLOPS_WORKER_PYTHON=.venv-worker/bin/python $(PY) -m pytest -rs tests/worker

record-worker: $(READY) ## Record again which small apps Microsoft's worker refuses (Python 3.13; minutes)
	@sh scripts/worker-venv .venv-worker
	@MLOPS_WORKER_PYTHON=.venv-worker/bin/python $(PY) -m tests.worker.refusals.record

bench: $(READY) ## Compare the local host with lower bounds and similar products
	@test -d .venv-bench || $(VENV)/bin/uv venv --quiet --python $(PY) .venv-bench
	@$(VENV)/bin/uv pip install --quiet --python .venv-bench/bin/python -r benchmarks/requirements.txt || echo "some peers could not be installed"
	@$(PY) -m benchmarks
	@$(PY) -m benchmarks.pipeline

bench-gates: $(READY) ## Measure the gate where the truth is known: false promotions, power, time
	@OPENBLAS_NUM_THREADS=1 $(PY) -m benchmarks.gates $(if $(WORLDS),--worlds $(WORLDS))

mutants: $(READY) ## Put small faults into the rules of decisions; the tests must find each (MODULES=approval)
	@$(PY) -m tests.mutants --workers $(WORKERS) $(MODULES)

bench-drift: $(READY) ## Measure the test for drift on streams with a known truth
	@$(PY) -m benchmarks.drift

bench-data-check: $(READY) ## Print false alarms and detection of the data check, beside its goals
	@$(PY) -m benchmarks.data_check

bench-data-size: $(READY) ## Print time and memory of the data check of 1,000,000 rows and 50 columns
	@$(PY) -m benchmarks.data_check.size

lint: $(READY) ## Format, lint, types, layers
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy .
	@$(VENV)/bin/lint-imports

check: lint advisories test ## Everything that CI checks, and known vulnerabilities

infra-check: $(READY) ## Compile and check the templates for Azure, without a network
	@$(PY) -m infra.check

base-image: $(READY) ## Make the base image, so that staging runs as a container
	@sh scripts/base-image

lock: $(READY) ## Resolve the dependencies again: uv.lock and every list of requirements, with hashes
	@$(VENV)/bin/uv lock --upgrade
	@sh scripts/lock

advisories: $(READY) ## Ask OSV for known vulnerabilities of the locked packages (needs the internet)
	@$(PY) scripts/advisories

clean: ## Delete the state of this machine (.mlops); refused while an app runs on it
	@if [ -x $(PY) ]; then $(PY) scripts/clean .mlops; else rm -rf .mlops; fi
