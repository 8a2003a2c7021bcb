"""The clone's variables: the purpose of each, and its counterpart here."""

SAME, BETTER, CHANGED, LEFT = "same", "better", "changed", "not carried over"

# By variable: the item, its counterpart here, and the comparison of both.
VARIABLES: dict[str, tuple[str, str, str]] = {
    "MODEL_NAME": ("name of the model", "the table [models.<name>] of mlops.toml", CHANGED),
    "EXPERIMENT_NAME": ("experiment", "runs carry the model's name", CHANGED),
    "DATASET_NAME": ("data set", "container and prefix: a file that lands there is a version", BETTER),
    "DATASET_VERSION": ("version of the data", "the digest of the file; the newest by default", BETTER),
    "TRAINING_PIPELINE_NAME": ("published pipeline", "the story train_model", BETTER),
    "TRAIN_SCRIPT_PATH": ("training script", "python -m training, which calls train.py", BETTER),
    "SOURCES_DIR_TRAIN": ("folder of the model", "the same folder", SAME),
    "EVALUATE_SCRIPT_PATH": ("evaluation", "[models.<name>.gate]: same rows, confidence", BETTER),
    "REGISTER_SCRIPT_PATH": ("registration", "registered once, by run and digest", BETTER),
    "SCORE_SCRIPT": ("name of the scoring script", "scoring/seed/score.py, where there is one", CHANGED),
    "IMAGE_NAME": ("image", "named by model and version, referred to by digest", BETTER),
    "AML_ENV_NAME": ("environment", "made from training/requirements.txt, named by its digest", BETTER),
    "AML_ENV_TRAIN_CONDA_DEP_FILE": ("packages of the training", "training/requirements.txt", CHANGED),
    "AML_REBUILD_ENVIRONMENT": ("rebuilding environments", "a new digest is a new environment", BETTER),
    "AML_COMPUTE_CLUSTER_NAME": ("compute", "MLOPS_AZURE_COMPUTE", SAME),
    "AML_COMPUTE_CLUSTER_CPU_SKU": ("size of the compute", "MLOPS_AZURE_COMPUTE_SIZE", SAME),
    "AML_CLUSTER_MAX_NODES": ("most nodes", "MLOPS_AZURE_COMPUTE_NODES", SAME),
    "AML_CLUSTER_MIN_NODES": ("fewest nodes", "always 0: an idle cluster costs nothing", CHANGED),
    "AML_CLUSTER_PRIORITY": ("priority of nodes", "dedicated nodes", CHANGED),
    "RUN_EVALUATION": ("switching the evaluation off", "the gate always judges; margin and bar say how", CHANGED),
    "ALLOW_RUN_CANCEL": ("cancelling the run of a worse model", "the outcome `rejected`, with reasons", BETTER),
    "modelbuildid": ("deploying an earlier model", "mlopsctl roll-back, or a release of that version", BETTER),
    "MODEL_BUILD_ID": ("deploying an earlier model", "mlopsctl roll-back, or a release of that version", BETTER),
    "ACI_DEPLOYMENT_NAME": ("QA on Container Instances", "a container group per release, removed after it", BETTER),
    "AKS_DEPLOYMENT_NAME": ("production on AKS", "a Service per model with verified roll-out", BETTER),
    "AKS_COMPUTE_NAME": ("cluster of production", "MLOPS_AZURE_CLUSTER", SAME),
    "RESOURCE_GROUP": ("resource group", "made by infra/", CHANGED),
    "WORKSPACE_NAME": ("workspace", "MLOPS_AZURE_WORKSPACE", SAME),
    "SUBSCRIPTION_ID": ("subscription", "MLOPS_AZURE_SUBSCRIPTION_ID", SAME),
    "LOCATION": ("region", "MLOPS_AZURE_LOCATION", SAME),
    "BASE_NAME": ("names of resources", "the parameter environmentName of infra/", CHANGED),
}  # fmt: skip
TODO = {
    "RUN_EVALUATION": "To promote worse models on purpose, set a negative margin.",
    "AML_CLUSTER_PRIORITY": "Low-priority nodes: change the size of the compute in the workspace.",
    "AML_CLUSTER_MIN_NODES": "",
    "AML_ENV_TRAIN_CONDA_DEP_FILE": "Add the packages that train.py imports and that are not there.",
}
# Variables without a counterpart here, by the beginning or end of their names.
ABSENT = (
    (("SCORING_", "BATCHSCORE_", "USE_GPU_FOR_SCORING"), "batch scoring"),
    (("AML_ENV_NAME_SCOR", "AML_ENV_SCORE", "AML_REBUILD_ENVIRONMENT_SCORING"), "batch scoring"),
    (("WEBAPP_",), "deployment to a Web App"),
    (("DB_CLUSTER_ID",), "training with R on Databricks"),
    (("DATASTORE_NAME",), "a datastore of one's own"),
)
