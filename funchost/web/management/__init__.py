"""The management API of Durable: routes that start, show and change instances and entities."""
