"""Runs on Azure ML: their code, inputs, environments, outputs and evaluations."""
