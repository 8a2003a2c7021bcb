"""Writes docs/explanation/cost.md, the monthly cost and its scaling, from sheet.json."""
