"""Function chaining, with the functions in a blueprint."""

import azure.functions as func
from hello import blueprint

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(blueprint)
