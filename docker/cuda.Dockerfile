# The harness on NVIDIA GPUs: docker build -f docker/cuda.Dockerfile -t ner-harness:cuda .
# The CUDA libraries come with PyTorch's wheel; the host needs the driver and nvidia-container-toolkit alone.
FROM python:3.11-slim-bookworm

# torch.compile and Triton build small programs at run time.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 \
    HARNESS_CACHE=/study/.cache/harness HF_HOME=/study/.cache/huggingface MLFLOW_DISABLE_TELEMETRY=true HOME=/tmp \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

WORKDIR /src
COPY requirements.lock constraints.txt ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock \
    && pip install --constraint constraints.txt torch
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY sweeps sweeps
COPY src src
RUN pip install --no-deps --no-build-isolation .

WORKDIR /study
ENTRYPOINT ["harness"]
CMD ["--help"]
