"""POST /score, GET /healthz, GET /openapi.json."""

import json
from typing import Any

from aiohttp import web

from scoring.predictor import InputError, Predictor

MAX_BODY = 4 * 1024 * 1024


def create_server(predictor: Predictor, image_digest: str) -> web.Application:
    """Return the service; every answer about health names the image that runs."""

    async def score(request: web.Request) -> web.Response:
        try:
            content = json.loads(await request.read())
        except ValueError:
            return _refusal("The body is not JSON.")
        try:
            return web.json_response({"result": predictor.predict(content)})
        except InputError as error:
            return _refusal(str(error))

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "image": image_digest})

    async def openapi(request: web.Request) -> web.Response:
        return web.json_response(describe(predictor))

    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(
        [
            web.post("/score", score),
            web.get("/healthz", healthz),
            web.get("/openapi.json", openapi),
        ]
    )
    return app


def describe(predictor: Predictor) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the service."""
    width = len(predictor.features)
    row = {"type": "array", "items": {"type": "number"}, "minItems": width, "maxItems": width}
    data = {
        "type": "array",
        "items": row,
        "minItems": 1,
        "description": ", ".join(predictor.features),
    }
    numbers = {"type": "array", "items": {"type": "number"}}
    ask = {"type": "object", "required": ["data"], "properties": {"data": data}}
    answer = {"type": "object", "properties": {"result": numbers}}
    operation = {
        "summary": "Predict the target of each row",
        "requestBody": {"required": True, "content": {"application/json": {"schema": ask}}},
        "responses": {
            "200": {
                "description": "One number per row",
                "content": {"application/json": {"schema": answer}},
            },
            "400": {"description": "The rows have another shape or hold no finite numbers"},
            "413": {"description": f"The body is over {MAX_BODY} bytes"},
        },
    }
    health = {
        "summary": "Health and image digest",
        "responses": {"200": {"description": "Serving"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scoring service", "version": "1"},
        "paths": {"/score": {"post": operation}, "/healthz": {"get": health}},
    }


def _refusal(message: str) -> web.Response:
    return web.json_response({"error": {"code": "BAD_INPUT", "message": message}}, status=400)
