# syntax=docker/dockerfile:1
FROM node:22-slim AS front
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim-trixie AS build
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY constraints.txt pyproject.toml README.md LICENSE ./
# torch first and alone: its own index has builds without CUDA.
RUN pip install --no-cache-dir --no-deps --index-url https://download.pytorch.org/whl/cpu \
    "$(grep -m1 '^torch==' constraints.txt)"
COPY matcher matcher
COPY indexes indexes
COPY service service
# With the client that several web processes need to count failed sign-ins together.
RUN pip install --no-cache-dir -c constraints.txt -e '.[redis]'
COPY --from=front /build/node_modules node_modules
RUN python -m service.reference.build node_modules/@etalab/decoupage-administratif \
    && mkdir -p service/web/static/vendor \
    && cp node_modules/swagger-ui-dist/swagger-ui.css \
          node_modules/swagger-ui-dist/swagger-ui-bundle.js service/web/static/vendor/ \
    && rm -rf node_modules \
    && python -m compileall -q matcher indexes service

FROM python:3.11-slim-trixie
# pg_dump and pg_restore, for `sociopoles backup` and `restore`: no older than the server.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 sociopoles && mkdir /data && chown sociopoles /data
# Owned by root: the service cannot change its own code or its models.
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY fixtures /app/fixtures
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SOCIOPOLES_DATA=/data \
    SOCIOPOLES_HOST=0.0.0.0 \
    SOCIOPOLES_LOG_FORMAT=json
WORKDIR /app
USER sociopoles
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# It asks for an account first: `docker run … sociopoles user create-admin`.
CMD ["sociopoles", "serve", "--behind-proxy"]
