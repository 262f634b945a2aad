# The two commands of the README, and those of CONTRIBUTING. Needs python3 with venv, and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m locks.install
RUN_TESTS := $(BIN)/python -m pytest --numprocesses auto --dist worksteal
LOCKED := pyproject.toml locks/run.txt locks/test.txt locks/install.py
TOLD = awk "BEGIN { printf \"installed in %.1f minutes\\n\", ($$(date +%s) - $$start) / 60 }"

.PHONY: run test test-rest test-all docs benchmark benchmark-compare simulation faults clusters scale chromium browser trackers gpu lint format types lock clean

run: $(VENV)/installed
	$(BIN)/bench run suites/cropping.yaml

# A worker per core, so one thread each; every test starts processes, which must not compile the same modules again.
TESTS := test test-rest test-all
$(TESTS): export OMP_NUM_THREADS = 1
$(TESTS): export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/installed-test
	$(RUN_TESTS) --cases drawn $(PYTEST)

test-rest: $(VENV)/installed-test
	$(RUN_TESTS) --cases rest $(PYTEST)

test-all: $(VENV)/installed-test
	$(RUN_TESTS) $(PYTEST)

benchmark: $(VENV)/installed-test
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-disable-gc -p no:cacheprovider $(PYTEST)

# A and B are files that 'make benchmark' saved; 3 where a figure with a bar became worse.
benchmark-compare: $(VENV)/installed-test
	$(BIN)/python tests/benchmarks/compare.py $(A) $(B)

simulation: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m studies.simulation --into docs/statistics.md

# The whole campaign takes two hours of a core; PART=kills TIMES=20 SEED=7 runs some of it, JOBS=2 two trials at once.
faults: $(VENV)/installed-test
	$(BIN)/python -m studies.faults $(addprefix --part ,$(PART)) $(addprefix --times ,$(TIMES)) $(addprefix --seed ,$(SEED)) $(addprefix --jobs ,$(JOBS))

# A real Slurm and a real Ray cluster on this machine; the packages of Slurm are Debian's, and take the rights of root.
clusters: $(VENV)/installed-test
	command -v slurmctld slurmd munged >/dev/null || apt-get install --yes --no-install-recommends slurmctld slurmd slurm-client munge
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "submitit>=1.5" "ray>=2.49"
	$(BIN)/python -m pytest tests/clusters -p no:cacheprovider $(PYTEST)

# Pages of runs in a real browser, which is Debian's; installing it takes the rights of root.
chromium:
	command -v chromium chromium-browser google-chrome >/dev/null || apt-get install --yes --no-install-recommends chromium

browser: chromium $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "playwright>=1.50" "axe-playwright-python>=0.1.4"
	$(BIN)/python -m pytest tests/browser -p no:cacheprovider $(PYTEST)

# MLflow, W&B and TensorBoard themselves, offline: what they read back is what the records say.
trackers: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[mlflow,tensorboard,wandb]"
	$(BIN)/python -m pytest tests/trackers -p no:cacheprovider $(PYTEST)

# Overhead of each launcher, with clusters that are started for it as above, and a simulated suite of 10,000 cells.
scale: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m studies.scale $(addprefix --part ,$(PART)) --into docs/scale.md

# With the interpreter of PYTHON as it is, nothing is installed: a machine with a GPU may have no network.
gpu:
	$(PYTHON) -m studies.gpu $(addprefix --part ,$(PART)) $(if $(DRY),--dry)

# The pages as a site that needs no network to be read; a warning, such as a link that leads nowhere, is an error.
docs: $(VENV)/installed-docs
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs build/site
	@echo "build/site/index.html"

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/installed-test
	@mkdir -p build/types && ln -sfn ../../plugins build/types/bench_plugins  # the name it is installed under
	$(BIN)/mypy

lock: $(VENV)/installed-test
	$(BIN)/python -m locks.renew

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(LOCKED) | $(BIN)/python
	@echo "installing into $(VENV) (minutes, most of them for torch)"
	@start=$$(date +%s); $(INSTALL) run && $(TOLD)
	@touch $@

$(VENV)/installed-test: $(LOCKED) | $(BIN)/python
	@echo "installing into $(VENV) (minutes, most of them for torch)"
	@start=$$(date +%s); $(INSTALL) test && $(TOLD)
	@touch $@ $(VENV)/installed

$(VENV)/installed-docs: pyproject.toml | $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[docs]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
