"""Asynchronous HTTP API: an orchestration that polls a slow service, and its children."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="jobs", methods=["POST"])
@app.durable_client_input(client_name="client")
async def submit(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new("run_all", None, req.get_json())
    return client.create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def run_all(context: df.DurableOrchestrationContext):
    parts = context.get_input()
    tasks = [
        context.call_sub_orchestrator("run_one", part, f"{context.instance_id}-{n}")
        for n, part in enumerate(parts)
    ]
    done = yield context.task_all(tasks)
    return dict(zip(parts, done, strict=True))


@app.orchestration_trigger(context_name="context")
def run_one(context: df.DurableOrchestrationContext):
    result = yield context.call_activity("work", context.get_input())
    return {"result": result, "parent": context.parent_instance_id is not None}


@app.activity_trigger(input_name="part")
def work(part: str) -> str:
    if part == "bad":
        raise ValueError("this part is bad")
    return part.upper()
