"""Durable orchestrations: turns, activities, entities and timers over one store."""
