# The ingest engine, kept alive so that the platform's scheduled tasks can run the import commands in it.

FROM node:24-slim AS web
WORKDIR /app/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web/ ./
COPY fleettickets/geocode/gazetteer.csv ../fleettickets/geocode/
RUN npm run build

FROM python:3.12-slim AS builder
ENV UV_PYTHON=/usr/local/bin/python3 \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir --root-user-action=ignore uv
WORKDIR /app
# Dependencies first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --extra api --no-install-project
# The wheel takes migrations/ and sql/ in: the installed package carries its schema.
COPY README.md LICENSE ./
COPY fleettickets/ fleettickets/
COPY migrations/ migrations/
COPY sql/ sql/
COPY --from=web /app/fleettickets/web_assets fleettickets/web_assets/
RUN uv sync --frozen --no-dev --extra api --no-editable

FROM python:3.12-slim
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TZ=Africa/Nairobi \
    FLEETTICKETS_EMBEDDED=never
WORKDIR /app
COPY --from=builder /app/.venv .venv/
COPY run_migrations.py import_tickets.py run_ingest.sh ./
COPY inc/ inc/
COPY crq/ crq/
USER 10001
# No HEALTHCHECK: nothing listens. Each scheduled run tells by its exit code whether all is well.
CMD ["tail", "-f", "/dev/null"]
