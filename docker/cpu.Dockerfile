# The harness on processors: docker build -f docker/cpu.Dockerfile -t ner-harness .
FROM python:3.11-slim-bookworm

# Readable by whatever user the container is run as, so that results belong to the user of the host.
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 \
    HARNESS_CACHE=/study/.cache/harness HF_HOME=/study/.cache/huggingface MLFLOW_DISABLE_TELEMETRY=true HOME=/tmp

WORKDIR /src
COPY requirements.lock constraints.txt ./
# The usual index gives a build with CUDA. --build-arg TORCH_INDEX=URL of PyTorch's builds for processors (its
# installation page names it) makes the image smaller by some gigabytes.
ARG TORCH_INDEX=
RUN pip install --require-hashes --no-deps --requirement requirements.lock \
    && pip install --constraint constraints.txt ${TORCH_INDEX:+--extra-index-url $TORCH_INDEX} torch
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY sweeps sweeps
COPY src src
RUN pip install --no-deps --no-build-isolation .

WORKDIR /study
ENTRYPOINT ["harness"]
CMD ["--help"]
