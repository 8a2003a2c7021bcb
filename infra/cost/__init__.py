"""What a month costs and how far it scales: docs/explanation/cost.md from sheet.json."""
