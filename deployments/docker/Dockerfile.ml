# The model server: `docker build -f deployments/docker/Dockerfile.ml .` in the root of the repository.
#
# Base images are given by exact tag here, and by digest where images are published: CD looks digests up and passes
# `name:tag@sha256:…` as BUILDER_IMAGE and RUNTIME_IMAGE. Nothing of the target platform is run while building: every platform is
# built on any. scripts/images/build.sh does it without a container engine.
ARG BUILDER_IMAGE=docker.io/library/node:22.23.3-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM --platform=$BUILDPLATFORM ${BUILDER_IMAGE} AS build
ARG TARGETARCH
WORKDIR /build
COPY package.json package-lock.json ./
# A registry of your own: `--secret id=npmrc,src=$HOME/.npmrc`; it gets into no layer. Scripts of packages are not run: they would
# fetch for the machine that builds.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
      --os=linux --libc=glibc --cpu="$(test "$TARGETARCH" = amd64 && echo x64 || echo "$TARGETARCH")"
COPY . .
RUN node deployments/docker/assemble.mjs "$TARGETARCH" /out

FROM ${RUNTIME_IMAGE}
ARG VERSION=unreleased
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="NeuraBalancer model server" \
      org.opencontainers.image.description="Offers a model's scores to NeuraBalancer" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/neurabalancer/neurabalancer" \
      org.opencontainers.image.documentation="https://github.com/neurabalancer/neurabalancer/blob/main/docs/deployment.md" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
# What changes seldom comes first: the runtime, packages, the product.
COPY --from=build /out/runtime/ /usr/local/bin/
COPY --from=build /out/packages/ /app/node_modules/
COPY --from=build /out/app/ /app/
COPY --from=build /out/command/ /usr/local/bin/
# As bin/neurabalancer has it: freed memory is kept for ten seconds. The second is --use-system-ca for commands that are run beside.
ENV MIMALLOC_PURGE_DELAY=10000 \
    NODE_USE_SYSTEM_CA=1 \
    ML_SERVICE_HOST=0.0.0.0 \
    MODEL_PATH=/app/models/prior
WORKDIR /app
USER 65532:65532
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["neurabalancer", "healthcheck", "model-server"]
# The flags of bin/neurabalancer, which is a script: there is no shell here.
ENTRYPOINT ["/usr/local/bin/bun", "--no-env-file", "--config=/dev/null", "--no-install", "--use-system-ca", "/app/src/main.ts"]
CMD ["model-server"]
