"""POST /score, GET /healthz, GET /metrics, GET /openapi.json.

authentication.py says which of them needs which key.
"""

import asyncio
import contextvars
import json
import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from scoring.authentication import CALLER, IS_PROBE, PROBE_KEY, Keyring, guard
from scoring.log_shipping import Shipper
from scoring.metrics import CONTENT_TYPE, describe_metrics
from scoring.prediction_log import PredictionLog
from scoring.predictor import InputError, ModelError, Predictor
from scoring.score_script import ScriptError

MAX_BODY = 4 * 1024 * 1024
PREDICTION_ID = "X-Prediction-Id"
REQUEST_ID = "X-Ms-Request-Id"
# The platform's probes send `off`, because their rows are not users' rows and would look like
# drift.
LOG_SWITCH = "X-Prediction-Log"
# W3C Trace Context, level 1: version, trace id, parent id, flags.
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def create_server(
    predictor: Predictor,
    image_digest: str,
    keyring: Keyring,
    log: PredictionLog | None = None,
    middlewares: Sequence[Any] = (),
    shipper: Shipper | None = None,
    metrics_port: int | None = None,
    host: str = "127.0.0.1",
) -> web.Application:
    """Return the service; every answer about health names the image that runs.

    With a `metrics_port` the figures are also at that port of `host`, without a key: a cluster
    lets only its own pods get there.
    """
    counts = {"scored": 0, "refused": 0}

    async def score(request: web.Request) -> web.Response:
        try:
            content = json.loads(await request.read())
        except (ValueError, RecursionError, web.RequestPayloadError):
            counts["refused"] += 1
            return _refusal("The body is not JSON.")
        is_probe = request.get(IS_PROBE, False)
        # A caller who chose the id could attach labels to somebody else's prediction.
        prediction_id = identify(request.headers.get("traceparent", "") if is_probe else "")
        try:
            answer = await _answered(predictor, content, _spelled(request.headers, prediction_id))
        except InputError as error:
            counts["refused"] += 1
            return _refusal(str(error))
        except ScriptError as error:
            counts["refused"] += 1
            return _refusal(str(error), "SCORING_FAILED", error.status)
        except ModelError as error:
            counts["refused"] += 1
            return _refusal(str(error), "MODEL_FAILED", 500)
        counts["scored"] += 1
        if log is not None and not (is_probe and request.headers.get(LOG_SWITCH) == "off"):
            caller = request.get(CALLER, "")
            log.record(prediction_id, content["data"], answer["result"], caller)
        return web.json_response(answer, headers={PREDICTION_ID: prediction_id})

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "image": image_digest})

    async def metrics(request: web.Request) -> web.Response:
        text = describe_metrics(log, counts["scored"], counts["refused"], shipper)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def close(app: web.Application) -> None:
        # Not on the event loop, so that other requests are still answered.
        if log is not None:
            await asyncio.to_thread(log.close)
        if shipper is not None:
            await asyncio.to_thread(shipper.close)

    async def openapi(request: web.Request) -> web.Response:
        return web.json_response(describe(predictor))

    app = web.Application(client_max_size=MAX_BODY, middlewares=[guard(keyring), *middlewares])
    if metrics_port is not None:
        figures = web.Application()
        figures.add_routes([web.get("/metrics", metrics)])
        app.cleanup_ctx.append(partial(_listen, figures, host, metrics_port))
    app.add_routes(
        [
            web.post("/score", score),
            web.get("/healthz", healthz),
            web.get("/metrics", metrics),
            web.get("/openapi.json", openapi),
        ]
    )
    app.on_cleanup.append(close)
    return app


async def _listen(
    figures: web.Application, host: str, port: int, app: web.Application
) -> AsyncIterator[None]:
    """Serve the figures at a port of their own for as long as the service runs."""
    runner = web.AppRunner(figures, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    yield
    await runner.cleanup()


async def _answered(
    predictor: Predictor, content: Any, headers: Mapping[str, str]
) -> dict[str, Any]:
    if predictor.thread is None:
        return predictor.answer(content, headers)
    # Pass on the caller's span.
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        predictor.thread, context.run, predictor.answer, content, headers
    )


def identify(traceparent: str) -> str:
    """Return the trace id, or a new id; a later label is joined to the prediction by it."""
    match = _TRACE.fullmatch(traceparent.strip())
    return match[1] if match else uuid.uuid4().hex


def describe(predictor: Predictor) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the service."""
    width = len(predictor.features)
    row: dict[str, object] = {"type": "array", "minItems": width, "maxItems": width}
    if predictor.texts:
        kinds = ("string" if name in predictor.texts else "number" for name in predictor.features)
        row["prefixItems"] = [{"type": kind} for kind in kinds]
    else:
        row["items"] = {"type": "number"}
    data = {
        "type": "array",
        "items": row,
        "minItems": 1,
        "description": ", ".join(predictor.features),
    }
    answers: dict[str, object] = {"type": "array", "items": {"type": "number"}}
    properties: dict[str, object] = {"result": answers}
    if predictor.gives_labels:
        answers["items"] = {"type": "string"}
        of_row = {"type": "object", "additionalProperties": {"type": "number"}}
        properties["probabilities"] = {"type": "array", "items": of_row}
    ask = {"type": "object", "required": ["data"], "properties": {"data": data}}
    answer = {"type": "object", "properties": properties}
    operation = {
        "security": [{"key": []}],
        "summary": "Predict the target of each row",
        "requestBody": {"required": True, "content": {"application/json": {"schema": ask}}},
        "responses": {
            "200": {
                "description": "One answer per row; labels are joined by the id",
                "headers": {PREDICTION_ID: {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": answer}},
            },
            "400": {
                "description": "The rows have a wrong shape, or values that are not finite numbers"
            },
            "401": {"description": "No key, or the key of another model"},
            "413": {"description": f"The body is over {MAX_BODY} bytes"},
            **{status: {"description": text} for status, text in predictor.refusals.items()},
        },
    }
    health = {
        "security": [],
        "summary": "Health and image digest",
        "responses": {"200": {"description": "Serving"}},
    }
    counts = {
        "security": [{"probe": []}],
        "summary": "Counts in Prometheus' text format",
        "responses": {
            "200": {"description": "Requests, and what is in the prediction log"},
            "401": {"description": "The key is not the platform's own secret"},
        },
    }
    schemes = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key of this model"},
        "probe": {"type": "apiKey", "in": "header", "name": PROBE_KEY},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scoring service", "version": "1"},
        "components": {"securitySchemes": schemes},
        "paths": {
            "/score": {"post": operation},
            "/healthz": {"get": health},
            "/metrics": {"get": counts},
        },
    }


def _spelled(headers: Mapping[str, str], prediction_id: str) -> dict[str, str]:
    """Return the headers as Azure ML spells them for a script, with its id of the request.

    A script gets no credentials, because people read its log.
    """
    spelled = {name.title(): text for name, text in headers.items()}
    for name in ("Authorization", PROBE_KEY):
        spelled.pop(name.title(), None)
    return {REQUEST_ID: prediction_id, **spelled}


def _refusal(message: str, code: str = "BAD_INPUT", status: int = 400) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
