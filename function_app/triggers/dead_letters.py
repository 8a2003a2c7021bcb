"""Events that nothing took: show them, take them again after a repair, or discard them."""

from function_app.codec import dump
from function_app.domain.inbox import DeadLetter
from function_app.errors import NotFoundError
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.inbox import receive


async def get_dead_letters(desk: Desk, request: Request) -> Answer:
    """List what nothing took, newest first."""
    letters = desk.ports.ledger.list_dead_letters()
    return Answer(status=200, content={"dead_letters": dump(letters)})


async def get_dead_letter(desk: Desk, request: Request) -> Answer:
    """Show one dead letter with its event as it came."""
    return Answer(status=200, content=dump(_find(desk, request)))


async def post_replay(desk: Desk, request: Request) -> Answer:
    """Take the event in again; it stays a dead letter while nothing takes it."""
    letter = _find(desk, request)
    receipt = await receive(desk, letter.event)
    if receipt.outcome != "refused":
        desk.ports.ledger.discard_dead_letter(letter.letter_id)
    return Answer(status=202, content={"receipt": dump(receipt)})


async def delete_dead_letter(desk: Desk, request: Request) -> Answer:
    """Forget a dead letter for good."""
    letter = _find(desk, request)
    desk.ports.ledger.discard_dead_letter(letter.letter_id)
    return Answer(status=200, content={"discarded": letter.letter_id})


def _find(desk: Desk, request: Request) -> DeadLetter:
    letter_id = request.route["letter_id"]
    letter = desk.ports.ledger.get_dead_letter(letter_id)
    if letter is None:
        raise NotFoundError(
            f"There is no dead letter {letter_id!r}. `mlopsctl events list` shows all."
        )
    return letter
