"""The rooms of the code and the arrows between them, drawn from the imports themselves."""

from functools import cache

import grimp

PACKAGES = (
    *("function_app", "funchost", "mlopsctl", "training", "scoring", "checks", "platform_jobs"),
    *("configuration", "sandbox", "migration"),
)
_LAYERS = (
    *("triggers", "orchestrators", "activities", "services", "steps", "records", "ports"),
    "domain",
)
_PLATFORMS = ("azure", "local", "git")
# Every room may use these modules of the app, so their arrows would hide the others.
_EVERYWHERE = (
    *("errors", "names", "late_imports", "addresses", "settings", "telemetry", "log_redaction"),
)
BEGIN, END = "<!-- begin of the arrows: python -m reference -->", "<!-- end of the arrows -->"


def room_of(module: str) -> str:
    """Return the room of a module, "" for a module that every room may use."""
    package, *rest = module.split(".")
    if package != "function_app":
        return package
    if not rest or rest[0] in _EVERYWHERE:
        return ""
    if rest[0] in _LAYERS:
        return rest[0]
    if rest[0] == "adapters":
        inner = rest[1] if len(rest) > 1 else ""
        return f"adapters/{inner if inner in _PLATFORMS else 'shared'}" if inner else ""
    return "composition"


@cache
def arrows() -> tuple[tuple[str, str], ...]:
    """Return the pairs of rooms of which the first imports the second, sorted."""
    graph = grimp.build_graph(*PACKAGES)
    pairs = {
        (room_of(module), room_of(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    return tuple(sorted((a, b) for a, b in pairs if a and b and a != b))


def draw() -> str:
    """Return the arrows as a Mermaid diagram."""
    names = sorted({name for arrow in arrows() for name in arrow})
    ids = {name: name.replace("/", "_") for name in names}
    lines = ["```mermaid", "flowchart TB"]
    lines += [f'    {ids[name]}["{name}"]' for name in names]
    lines += [f"    {ids[importer]} --> {ids[target]}" for importer, target in arrows()]
    return "\n".join([BEGIN, *lines, "```", END])


def fill(page: str) -> str:
    """Return a page with its diagram redrawn; ValueError when it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("The page has no marks around its diagram.")
    return before + draw() + after
