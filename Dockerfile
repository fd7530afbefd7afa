# An image that runs mtcli as a user without a name, on a read-only root if you like:
#
#   docker build -t mtcli .
#   docker run --rm --read-only -v "$PWD:/data" mtcli train my.yaml
#   docker run --rm --read-only -i -v "$PWD:/data:ro" mtcli translate -m runs/mine < in.txt > out.txt
#
# scripts/container_steps runs these steps without Docker.
FROM python:3.13-slim

# The CPU build of torch, which is 200 MB; for CUDA: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

COPY pyproject.toml LICENSE /src/
COPY docs/package.md /src/docs/package.md
COPY mtcli /src/mtcli
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" "/src[fast,split,zstd]"

# Nothing is written outside of /data; what the hub sends goes there, too.
ENV HOME=/nonexistent PYTHONDONTWRITEBYTECODE=1 HF_HOME=/data/.cache/huggingface
USER 65534:65534
WORKDIR /data
ENTRYPOINT ["mtcli"]
