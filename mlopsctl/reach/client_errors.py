"""The error of a command that asks the app."""


class ApiError(Exception):
    """The app refused, with a stable code and the remedy; or it could not be reached."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")
