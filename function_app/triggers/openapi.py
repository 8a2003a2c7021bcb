"""The OpenAPI document of this API, which `python -m reference` generates from the types."""

from pathlib import Path

from function_app.triggers.invocation import Done, Invocation, Request

DOCUMENT = Path(__file__).with_name("openapi.json")


async def get_openapi(invocation: Invocation, request: Request) -> Done[bytes]:
    """Describe this API."""
    return Done(content=DOCUMENT.read_bytes(), media_type="application/json")
