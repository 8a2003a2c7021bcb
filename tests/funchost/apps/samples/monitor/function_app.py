"""Monitor: looks again and again, each time as a new execution, until the job is done."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
LOOKS: dict[str, int] = {}


@app.route(route="monitor/{job}")
@app.durable_client_input(client_name="client")
async def begin(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    job = {"job": req.route_params["job"], "looks": 0}
    instance_id = await client.start_new("monitor", None, job)
    return client.create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def monitor(context: df.DurableOrchestrationContext):
    job = context.get_input()
    status = yield context.call_activity("look", job["job"])
    context.set_custom_status({"status": status, "looks": job["looks"] + 1})
    if status == "Completed":
        return job["looks"] + 1
    again = context.current_utc_datetime + timedelta(milliseconds=20)
    yield context.create_timer(again)
    context.continue_as_new({"job": job["job"], "looks": job["looks"] + 1})
    return None


@app.activity_trigger(input_name="job")
def look(job: str) -> str:
    LOOKS[job] = LOOKS.get(job, 0) + 1
    return "Completed" if LOOKS[job] == 4 else "Running"
