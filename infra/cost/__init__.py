"""What a month costs and how far it scales: docs/cost.md as arithmetic over sheet.json."""
