class DurableOrchestrationBindings:
    def __init__(
        self,
        taskHubName: str,
        creationUrls: dict[str, str],
        managementUrls: dict[str, str],
        rpcBaseUrl: str | None = None,
        **kwargs: object,
    ) -> None: ...
    @property
    def rpc_base_url(self) -> str | None: ...
