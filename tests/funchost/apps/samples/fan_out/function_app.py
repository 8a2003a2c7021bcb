"""Fan-out/fan-in: counts the bytes of many texts side by side."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="count", methods=["POST"])
@app.durable_client_input(client_name="client")
async def count(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new("count_all", None, req.get_json())
    return await client.wait_for_completion_or_create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def count_all(context: df.DurableOrchestrationContext):
    texts = yield context.call_activity("list_texts", context.get_input())
    tasks = [context.call_activity("count_bytes", text) for text in texts]
    return sum((yield context.task_all(tasks)))


@app.activity_trigger(input_name="prefix")
def list_texts(prefix: str) -> list[str]:
    return [prefix * n for n in range(20)]


@app.activity_trigger(input_name="text")
def count_bytes(text: str) -> int:
    return len(text.encode())
