# syntax=docker/dockerfile:1
FROM node:22-slim AS front
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim AS build
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
RUN pip install --no-cache-dir -c constraints.txt -e .
COPY --from=front /build/node_modules node_modules
RUN python -m service.reference.build node_modules/@etalab/decoupage-administratif \
    && mkdir -p service/web/static/vendor \
    && cp node_modules/swagger-ui-dist/swagger-ui.css \
          node_modules/swagger-ui-dist/swagger-ui-bundle.js service/web/static/vendor/ \
    && rm -rf node_modules

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 sociopoles && mkdir /data && chown sociopoles /data
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY fixtures /app/fixtures
ENV PATH=/venv/bin:$PATH SOCIOPOLES_DATA=/data SOCIOPOLES_HOST=0.0.0.0
WORKDIR /app
USER sociopoles
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
    python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/api/v1/health', timeout=4)"
CMD ["sociopoles", "serve"]
