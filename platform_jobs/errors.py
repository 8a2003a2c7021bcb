"""The errors of this package."""


class ContractError(ValueError):
    """A file or a model's answer breaks the contract; the text has the cause and the remedy."""


class ChangedError(ContractError):
    """Files were changed by something else than this app's jobs: no verdict may follow."""


class AnswerError(ContractError):
    """A model answered a value that no row can have, such as NaN; its command ended well."""
