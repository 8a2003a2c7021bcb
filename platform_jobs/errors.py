"""The error of this package."""


class ContractError(ValueError):
    """A file or a model's answer breaks the contract; the text says why and what to do."""
